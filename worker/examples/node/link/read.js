// Reads the records that come from a gateway. Payloads and bodies point into the batch.
import { HEADER, Kind, Max, RecordError } from './records.js';

// read goes over a batch. It skips kinds that it does not know and throws a RecordError at
// the first record that is malformed, after it has given those before.
export function* read(batch) {
  if (batch.length > Max.BATCH) throw new RecordError(0, `a batch of ${batch.length} bytes`);
  for (let at = 0; at < batch.length; ) {
    const left = batch.length - at;
    if (left < HEADER) throw new RecordError(0, `its header ends after ${left} bytes`);
    const length = batch.readUInt32LE(at);
    const kind = batch[at + 4];
    const head = batch.readUInt16LE(at + 6);
    if (kind === 0) throw new RecordError(kind, 'no such kind');
    if (length > Max.RECORD) throw new RecordError(kind, `${length} bytes are too many`);
    if (length > left) throw new RecordError(kind, `${length} bytes are announced, ${left} are there`);
    if (head < HEADER || head > length) throw new RecordError(kind, `head ${head} in ${length} bytes`);
    const layout = layouts.get(kind);
    if (layout) {
      const record = batch.subarray(at, at + length);
      const flags = record[5];
      if (head < layout.fixed(flags)) throw new RecordError(kind, `head ${head} is too small`);
      const tail = record.subarray(head);
      if (tail.length > layout.most) throw new RecordError(kind, `${tail.length} bytes behind its head`);
      if (tail.length < layout.least) throw new RecordError(kind, 'nothing behind its head');
      yield { kind, ...layout.fields(record, flags, tail) };
    }
    at += length;
  }
}

// A layout says how long the fields of fixed length are, how much may follow them, and
// what they mean. Numbers that we only compare or give back stay BigInt.
const layout = (fixed, least, most, fields) => ({ fixed: () => fixed, least, most, fields });
const event = (record, flags) => ({
  conn: record.readBigUInt64LE(8),
  term: record.readUInt32LE(16),
  seq: record.readUInt32LE(20),
  redelivered: (flags & 2) !== 0,
  alone: (flags & 8) !== 0,
});
const withBody = layout(24, 0, Max.BODY, (record, flags, body) => ({ ...event(record, flags), body }));
const number = (name) => layout(16, 0, 0, (record) => ({ [name]: record.readBigUInt64LE(8) }));
const count = (name) => layout(16, 0, 0, (record) => ({ [name]: Number(record.readBigUInt64LE(8)) }));
const empty = layout(HEADER, 0, 0, () => ({}));

const layouts = new Map([
  [
    Kind.MESSAGE,
    {
      fixed: (flags) => (flags & 4 ? 40 : 24), // a trace of 16 bytes may follow
      least: 0,
      most: Max.PAYLOAD,
      fields: (record, flags, payload) => ({
        ...event(record, flags),
        binary: (flags & 1) !== 0,
        trace: flags & 4 ? record.subarray(24, 40) : null,
        payload,
      }),
    },
  ],
  [Kind.OPEN, withBody],
  [Kind.CLOSED, withBody],
  [Kind.CONTEXT, withBody],
  [Kind.REVOKED, layout(20, 0, 0, (r) => ({ conn: r.readBigUInt64LE(8), term: r.readUInt32LE(16) }))],
  [Kind.SNAPSHOT_BEGIN, empty],
  [Kind.SNAPSHOT_END, number('seq')],
  [
    Kind.DELTA,
    layout(16, 1, Max.NAME, (record, flags, name) => ({
      seq: record.readBigUInt64LE(8),
      group: (flags & 1) !== 0,
      removed: (flags & 2) !== 0,
      name: name.toString('latin1'), // bytes; see routes.js
    })),
  ],
  [Kind.APPLIED, count('n')],
  [Kind.RESULT, layout(16, 0, Max.BODY, (r, _, body) => ({ n: Number(r.readBigUInt64LE(8)), body }))],
  [Kind.GRANTED, count('token')],
  [Kind.LEAVING, empty],
  [Kind.ATTACHED, layout(HEADER, 0, Max.BODY, (_, __, body) => ({ body }))],
  [Kind.DRAINED, empty],
  [Kind.DRAIN, empty],
  [Kind.ALONE_NOTED, count('n')],
  [Kind.ALONE_NOTED, count('n')],
]);
