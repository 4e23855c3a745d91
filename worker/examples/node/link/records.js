// The records of the link: what their kinds are, how large they may be, and what is wrong
// with one. read.js and write.js have the layout itself, proto/record/doc.go explains it.

// Kinds 1 to 63 come from gateways, 64 to 127 go to them.
export const Kind = Object.freeze({
  MESSAGE: 1,
  OPEN: 2,
  CLOSED: 3,
  CONTEXT: 4,
  REVOKED: 5,
  SNAPSHOT_BEGIN: 6,
  SNAPSHOT_END: 7,
  DELTA: 8,
  APPLIED: 9,
  RESULT: 10,
  GRANTED: 11,
  LEAVING: 12,
  ATTACHED: 13,
  DRAINED: 14,
  DRAIN: 15,
  ALONE_NOTED: 16,
  ALONE_NOTED: 16,
  DONE: 64,
  DONE_WITH: 65,
  SEND: 66,
  COMMAND: 67,
  DELTA_ACK: 68,
  BEAT: 69,
  DRAINING: 70,
  ATTACH: 71,
  ALONE: 72,
  ALONE: 72,
});

export const Target = Object.freeze({ CONNS: 1, USERS: 2, GROUPS: 3, ALL: 4 });
export const Class = Object.freeze({ MUST: 1, DROPPABLE: 2, MERGE: 3 });

// The bounds of protocol 1, in bytes where nothing else is said.
export const Max = Object.freeze({
  PAYLOAD: 1 << 20, // one WebSocket message, either way
  BODY: 1 << 20, // one protobuf body
  NAME: 1024, // a user's, group's or merge key's name
  SUBPROTOCOL: 255,
  TARGETS: 65536, // of one Send, in number; also the conns that it excludes
  BODIES: 4, // of one Send, in number
  RECORD: 4 << 20, // its header included
  BATCH: 8 << 20, // all records of one message of the stream
});

// Every record begins with u32 length, u8 kind, u8 flags, u16 head.
export const HEADER = 8;

// RecordError says that a record breaks the layout or its bounds. After one that was read
// no length can be trusted: the stream has to end.
export class RecordError extends Error {
  constructor(kind, what) {
    super(`record of kind ${kind}: ${what}`);
    this.name = 'RecordError';
  }
}
