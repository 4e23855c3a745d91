// The bytes of every kind, against the golden vectors that the Go package keeps.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { read } from '../link/read.js';
import { Class, Kind, Max, RecordError, Target } from '../link/records.js';
import * as write from '../link/write.js';

const folder = fileURLToPath(new URL('../protos/parley/record/testdata/', import.meta.url));

// vectors returns the bytes of a file's records by what is said of them.
function vectors(file) {
  const found = new Map();
  let bytes;
  for (const line of readFileSync(folder + file, 'utf8').split('\n')) {
    if (line.startsWith('# ')) found.set(line.slice(2), (bytes = []));
    else if (line) bytes.push(...line.slice(0, 49).trim().split(/\s+/).map((hex) => parseInt(hex, 16)));
  }
  return new Map([...found].map(([name, list]) => [name, Buffer.from(list)]));
}

const all = new Map(readdirSync(folder).filter((f) => f.endsWith('.txt')).flatMap((f) => [...vectors(f)]));
const conn = 0x1122334455667788n;
const trace = Buffer.from('a0a1a2a3a4a5a6a7a8a9aaabacadaeaf', 'hex');
const once = Buffer.from('b0b1b2b3b4b5b6b7b8b9babbbcbdbebf', 'hex');
const text = (s) => ({ payload: Buffer.from(s) });
const hex = (s) => Buffer.from(s, 'hex');

test('what a worker writes is what the vectors say', () => {
  const at = { conn, term: 3, seq: 41 };
  const want = {
    'Done: without reply': write.done({ ...at, forget: true }),
    'Done: one reply': write.done(at, [text('Server: hello')]),
    'Done: two replies': write.done(at, [text('a'), { payload: hex('0001'), binary: true }]),
    'Send: to a group': write.send({ n: 7, target: Target.GROUPS, targets: ['room:7'], bodies: [text('{"a":1}')] }),
    'Send: to conns': write.send({
      n: 8, target: Target.CONNS, class: Class.DROPPABLE, wantResult: true, targets: [conn, 2n],
      bodies: [{ payload: hex('09'), binary: true }],
    }),
    'Send: to everyone but one': write.send({ n: 9, target: Target.ALL, class: Class.MERGE, key: 'typing:7', except: [conn], bodies: [text('{}')] }),
    'Send: to users, all fields': write.send({
      n: 10, target: Target.USERS, wantResult: true, once, trace, except: [conn], targets: ['liubei', 'guanyu'],
      bodies: [text('{}'), { payload: hex('010203'), binary: true, subprotocol: 'parley.v1.proto' }],
    }),
    'Beat: sign of life': write.beat(0x0102030405060708n, 11),
    'Alone: begins': write.alone(3, { conn, term: 5, seq: 42 }, false),
    'Alone: of another gateway, begins': write.alone(3, null, false),
    'Alone: is over': write.alone(3, { conn, term: 5, seq: 42 }, true),
    'Beat: with load': write.beat(0x0102030405060709n, 11, 345),
  };
  for (const [name, bytes] of Object.entries(want)) assert.equal(bytes.toString('hex'), all.get(name).toString('hex'), name);
  // Of these the golden file holds a number or a body that is the test's own.
  for (const [file, again] of [
    ['delta-ack.txt', (b) => write.deltaAck(b.readBigUInt64LE(8))],
    ['command.txt', (b) => write.command(b.readBigUInt64LE(8), b.subarray(16))],
    ['attach.txt', (b) => write.attach(b.subarray(8))],
    ['draining.txt', () => write.draining()],
    ['done-with.txt', (b) => write.doneWith({ conn: b.readBigUInt64LE(8), term: b.readUInt32LE(16), seq: b.readUInt32LE(20), forget: b[5] === 1 }, b.subarray(24))],
  ]) {
    for (const [name, bytes] of vectors(file)) assert.equal(again(bytes).toString('hex'), bytes.toString('hex'), name);
  }
});

test('what a gateway writes is read as the vectors say', () => {
  const one = (name) => [...read(all.get(name))];
  assert.deepEqual(one('Message: text'), [
    { kind: Kind.MESSAGE, conn, term: 3, seq: 41, redelivered: false, alone: false, binary: false, trace: null, payload: Buffer.from('hello') },
  ]);
  assert.deepEqual(one('Message: binary, redelivered, with trace'), [
    { kind: Kind.MESSAGE, conn, term: 4, seq: 42, redelivered: true, alone: false, binary: true, trace, payload: hex('ff00') },
  ]);
  assert.deepEqual(one('Message: alone'), [
    { kind: Kind.MESSAGE, conn, term: 5, seq: 42, redelivered: true, alone: true, binary: false, trace: null, payload: Buffer.from('hello') },
  ]);
  assert.deepEqual(one('AloneNoted: answer'), [{ kind: Kind.ALONE_NOTED, n: 3 }]);
  assert.deepEqual(one('Context: before an event'), [{ kind: Kind.CONTEXT, conn, term: 4, seq: 0, redelivered: false, alone: false, body: hex('120161') }]);
  assert.deepEqual(one('Result: answer'), [{ kind: Kind.RESULT, n: 18, body: hex('0801') }]);
  assert.deepEqual(one('Delta: a user comes, within a snapshot'), [{ kind: Kind.DELTA, seq: 0n, group: false, removed: false, name: 'liubei' }]);
  assert.deepEqual(one('Delta: a group goes'), [{ kind: Kind.DELTA, seq: 901n, group: true, removed: true, name: 'room:7' }]);
});

test('every vector from a gateway is read, every one to a gateway is passed over', () => {
  for (const [name, bytes] of all) {
    const records = [...read(bytes)];
    assert.equal(records.length, bytes[4] < 64 ? 1 : 0, name);
    if (records.length) assert.equal(records[0].kind, bytes[4], name);
  }
  const batch = Buffer.concat([...all.values()]);
  assert.equal([...read(batch)].length, [...all.values()].filter((b) => b[4] < 64).length);
});

test('later minors may add kinds, flags, and fields before head', () => {
  const unknown = hex('0900000032ff080001');
  assert.deepEqual([...read(unknown)], []);
  const wider = hex('190000000bfe1800'); // Granted with a field more and flags nobody knows
  const granted = Buffer.concat([wider, hex('0807060504030000'), hex('eeeeeeeeeeeeeeee')]);
  granted.writeUInt32LE(granted.length, 0);
  assert.deepEqual([...read(granted)], [{ kind: Kind.GRANTED, token: 0x030405060708 }]);
});

test('a malformed record ends the batch, and those before it count', () => {
  const good = all.get('Message: text');
  const bad = {
    'cut short': good.subarray(0, good.length - 1),
    'a header cut short': good.subarray(0, 7),
    'kind 0': change(good, 4, 0),
    'head before the header ends': change(good, 6, 7),
    'head behind the end': change(good, 6, 200),
    'head inside the fields': change(good, 6, 23),
    'a trace that is not there': change(good, 5, 4),
    'length 0': change(good, 0, 0),
    'longer than a record may be': Buffer.from('01004000010018008877665544332211', 'hex'),
    'a delta without a name': Buffer.concat([hex('1000000008001000'), Buffer.alloc(8)]),
    'something behind a Granted': Buffer.concat([hex('110000000b001000'), Buffer.alloc(9)]),
  };
  for (const [name, bytes] of Object.entries(bad)) {
    const seen = [];
    assert.throws(() => { for (const r of read(Buffer.concat([good, bytes]))) seen.push(r); }, RecordError, name);
    assert.equal(seen.length, 1, name);
  }
});

test('a prefix of any vector is an error, never a record', () => {
  for (const [name, bytes] of all) {
    for (let n = 1; n < bytes.length; n++) assert.throws(() => [...read(bytes.subarray(0, n))], RecordError, `${name}, ${n} bytes`);
  }
});

test('what breaks a bound is refused before it is sent', () => {
  const bodies = [text('x')];
  for (const wrong of [
    { target: Target.GROUPS, targets: [''], bodies },
    { target: Target.GROUPS, targets: ['x'.repeat(Max.NAME + 1)], bodies },
    { target: Target.ALL, bodies: [] },
    { target: Target.ALL, bodies: Array(5).fill(text('x')) },
    { target: Target.ALL, bodies: [{ payload: Buffer.alloc(Max.PAYLOAD + 1) }] },
    { target: Target.ALL, class: Class.MERGE, bodies },
    { target: Target.ALL, key: 'only for merge', bodies },
    { target: Target.CONNS, targets: Array(Max.TARGETS + 1).fill(1n), bodies },
    { target: Target.ALL, once: Buffer.alloc(15), bodies },
  ]) assert.throws(() => write.send({ n: 1, ...wrong }), RecordError);
  assert.throws(() => write.command(1, Buffer.alloc(Max.BODY + 1)), RecordError);
});

function change(bytes, at, value) {
  const copy = Buffer.from(bytes);
  copy[at] = value;
  return copy;
}
