// Reads batches, one in hex in each line, and says of each how many records of which kinds
// came out of it, and whether it was read to its end.
import { createInterface } from 'node:readline';
import { read } from '../link/read.js';
import { RecordError } from '../link/records.js';

for await (const line of createInterface({ input: process.stdin })) {
  const kinds = [];
  let end = 'whole';
  try {
    for (const { kind } of read(Buffer.from(line, 'hex'))) kinds.push(kind);
  } catch (err) {
    if (!(err instanceof RecordError)) throw err;
    end = 'malformed';
  }
  console.log(`${kinds.join(' ')} ${end}`.trim());
}
