// Writes the records that go to a gateway, each as a Buffer of its own. What breaks a bound
// is refused with a RecordError here, so that a mistake is the caller's and not the end of
// the link.
import { Class, HEADER, Kind, Max, RecordError, Target } from './records.js';

function start(kind, flags, head, length) {
  if (length > Max.RECORD) throw new RecordError(kind, `${length} bytes are too many`);
  const record = Buffer.alloc(length);
  record.writeUInt32LE(length, 0);
  record[4] = kind;
  record[5] = flags;
  record.writeUInt16LE(head, 6);
  return record;
}

function acknowledgement(kind, { conn, term, seq, forget = false }, tail) {
  const record = start(kind, forget ? 1 : 0, 24, 24 + tail.length);
  record.writeBigUInt64LE(conn, 8);
  record.writeUInt32LE(term, 16);
  record.writeUInt32LE(seq, 20);
  tail.copy(record, 24);
  return record;
}

// item is one WebSocket message on its way out: {payload, binary, subprotocol}.
function item(kind, { payload, binary = false, subprotocol = '' }) {
  const name = Buffer.from(subprotocol);
  if (payload.length > Max.PAYLOAD) throw new RecordError(kind, `a payload of ${payload.length} bytes`);
  if (name.length > Max.SUBPROTOCOL) throw new RecordError(kind, `a subprotocol of ${name.length} bytes`);
  const head = Buffer.alloc(8);
  head.writeUInt32LE(payload.length, 0);
  head[4] = binary ? 1 : 0;
  head[5] = name.length;
  return Buffer.concat([head, name, payload]);
}

function conns(list) {
  const b = Buffer.alloc(8 * list.length);
  list.forEach((conn, i) => b.writeBigUInt64LE(conn, 8 * i));
  return b;
}

function names(list) {
  return Buffer.concat(
    list.flatMap((name) => {
      const bytes = Buffer.from(name);
      if (bytes.length < 1 || bytes.length > Max.NAME) throw new RecordError(Kind.SEND, `a name of ${bytes.length} bytes`);
      const length = Buffer.alloc(2);
      length.writeUInt16LE(bytes.length);
      return [length, bytes];
    }),
  );
}

function body(kind, bytes) {
  if (bytes.length > Max.BODY) throw new RecordError(kind, `a body of ${bytes.length} bytes`);
  return bytes;
}

// done acknowledges an event; its replies go to the conn, in order.
export function done(event, replies = []) {
  return acknowledgement(Kind.DONE, event, Buffer.concat(replies.map((reply) => item(Kind.DONE, reply))));
}

// doneWith acknowledges an event with an encoded Effects.
export function doneWith(event, effects) {
  return acknowledgement(Kind.DONE_WITH, event, body(Kind.DONE_WITH, effects));
}

// send is a Send. targets are conns (BigInt) or names, by target; once and trace have 16
// bytes each.
export function send({ n, target, class: klass = Class.MUST, key = '', targets = [], bodies, except = [], wantResult = false, once = null, trace = null }) {
  const keyBytes = Buffer.from(key);
  if (targets.length > Max.TARGETS || except.length > Max.TARGETS) throw new RecordError(Kind.SEND, 'too many targets');
  if (bodies.length < 1 || bodies.length > Max.BODIES) throw new RecordError(Kind.SEND, `${bodies.length} bodies`);
  if (keyBytes.length > Max.NAME || (klass === Class.MERGE) !== keyBytes.length > 0) throw new RecordError(Kind.SEND, 'a key is for merge');
  for (const b of [once, trace]) if (b && b.length !== 16) throw new RecordError(Kind.SEND, 'once and trace have 16 bytes');
  const head = 32 + (once ? 16 : 0) + (trace ? 16 : 0);
  const tail = Buffer.concat([
    keyBytes,
    conns(except),
    ...bodies.map((b) => item(Kind.SEND, b)),
    target === Target.CONNS ? conns(targets) : names(targets),
  ]);
  const flags = (wantResult ? 1 : 0) | (once ? 2 : 0) | (trace ? 4 : 0);
  const record = start(Kind.SEND, flags, head, head + tail.length);
  record.writeBigUInt64LE(BigInt(n), 8);
  record[16] = target;
  record[17] = klass;
  record[18] = bodies.length;
  record.writeUInt16LE(keyBytes.length, 20);
  record.writeUInt32LE(targets.length, 24);
  record.writeUInt32LE(except.length, 28);
  once?.copy(record, 32);
  trace?.copy(record, once ? 48 : 32);
  tail.copy(record, head);
  return record;
}

// command is an encoded Command under its number.
export function command(n, bytes) {
  const record = start(Kind.COMMAND, 0, 16, 16 + body(Kind.COMMAND, bytes).length);
  record.writeBigUInt64LE(BigInt(n), 8);
  bytes.copy(record, 16);
  return record;
}

export function deltaAck(seq) {
  const record = start(Kind.DELTA_ACK, 0, 16, 16);
  record.writeBigUInt64LE(seq, 8);
  return record;
}

// beat is a sign of life. Without a load the gateway judges us by what it has given us.
export function beat(token, awaiting, load) {
  const record = start(Kind.BEAT, load === undefined ? 0 : 1, load === undefined ? 24 : 28, load === undefined ? 24 : 28);
  record.writeBigUInt64LE(BigInt(token), 8);
  record.writeBigUInt64LE(BigInt(awaiting), 16);
  if (load !== undefined) record.writeUInt32LE(load, 24);
  return record;
}

// alone says that an event is about to run while nothing else does, or that this is over;
// event is null for a gateway that it is not of.
export function alone(n, event, over) {
  const record = start(Kind.ALONE, over ? 1 : 0, 32, 32);
  record.writeBigUInt64LE(BigInt(n), 8);
  if (event) {
    record.writeBigUInt64LE(event.conn, 16);
    record.writeUInt32LE(event.term, 24);
    record.writeUInt32LE(event.seq, 28);
  }
  return record;
}

export const draining = () => start(Kind.DRAINING, 0, HEADER, HEADER);

// attach carries an encoded Attach.
export function attach(bytes) {
  const record = start(Kind.ATTACH, 0, HEADER, HEADER + body(Kind.ATTACH, bytes).length);
  bytes.copy(record, HEADER);
  return record;
}
