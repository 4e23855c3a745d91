// What is done about one event: the handler is called, and what it said becomes the
// acknowledgement. A handler that throws has handled its event: what it had said until then
// counts, and the next event comes.
import { Conn } from './conn.js';
import { log } from './log.js';
import { Closed, Context, Effects, Open } from './protos.js';
import { Kind } from './records.js';
import * as write from './write.js';

export const HANDLER_MS = 10_000; // until the signal of a handler aborts

// worker makes the work function of an Inbox.
export const eventsOf = (gateway, handler, sender) => async (seat, event) => {
  try {
    if (event.kind === Kind.CONTEXT) return learn(seat, event);
    if (event.lost && !seat.state) return; // nothing was known of it
    const conn = seat.state ?? (event.kind === Kind.MESSAGE ? null : new Conn(gateway, seat.conn, event.term, sender));
    if (!conn) throw new Error('a message, and no context before it');
    seat.state = conn;
    await calls[event.kind]({ seat, event, conn, gateway, handler });
  } catch (err) {
    gateway.cut(err); // a malformed body, or out of order
  }

  function learn(seat, { term, body }) {
    seat.state ??= new Conn(gateway, seat.conn, term, sender);
    seat.state.learn(Context.decode(body));
  }
};

const calls = {
  async [Kind.OPEN](it) {
    const open = Open.decode(it.event.body);
    it.conn.facts = open.facts;
    const said = await call(it, 'onOpen', Math.min(HANDLER_MS, open.deadlineMs || HANDLER_MS), (signal) => it.handler.onOpen?.(it.conn, { signal }));
    if (!said) return;
    const refusal = said.refusal ?? (said.failed && { status: 500, reason: 'internal error' });
    acknowledge(it, { answer: refusal || answerOf(it.conn, said) });
    if (refusal) it.gateway.inbox.leave(it.seat);
  },

  async [Kind.MESSAGE](it) {
    const { payload, binary, seq, redelivered } = it.event;
    const message = {
      payload, binary, seq, redelivered,
      get text() { return payload.toString(); },
    };
    const said = await call(it, 'onMessage', HANDLER_MS, (signal) => it.handler.onMessage?.(it.conn, message, { signal }));
    if (!said) return;
    if (!said.session && !said.close) return acknowledge(it, null, said.replies);
    acknowledge(it, {
      replies: said.replies.map(frame),
      session: said.session && { session: said.session },
      close: said.close,
    });
    if (said.session) it.conn.sessionVersion++;
  },

  async [Kind.CLOSED](it) {
    const why = it.event.lost ? { lost: true, by: 'GATEWAY_LOST', code: 1006, reason: '' } : Closed.decode(it.event.body);
    if (why.last) it.conn.learn(why.last);
    const said = await call(it, 'onClose', HANDLER_MS, (signal) => it.handler.onClose?.(it.conn, why, { signal }));
    it.gateway.inbox.leave(it.seat);
    if (said && !it.event.lost) acknowledge(it, null);
  },
};

// call runs a handler and returns what it said, or null when the conn is no longer ours.
async function call({ seat, event, conn, gateway }, name, ms, handle) {
  if (!event.lost && !seat.holds(event.term)) return null;
  const turn = (seat.turn = new AbortController());
  const late = setTimeout(() => turn.abort(new Error(`${name} took more than ${ms} ms`)), ms);
  late.unref(); // a handler that hangs holds up no process that ends
  let failed = false;
  conn.begin(turn.signal, event.kind === Kind.OPEN);
  try {
    await handle(turn.signal);
  } catch (err) {
    failed = true;
    if (err.name !== 'Moved') log.error(`${name} failed`, { conn: conn.id, err });
  }
  clearTimeout(late);
  const said = conn.end();
  await gateway.roomForAcks();
  seat.turn = null;
  return event.lost || seat.holds(event.term) ? { ...said, failed } : null;
}

// acknowledge says that the event is handled: with effects, or with replies alone.
function acknowledge({ seat, event, conn, gateway }, effects, replies = []) {
  let record;
  try {
    record = effects ? write.doneWith(event, Effects.encode(effects)) : write.done(event, replies);
  } catch (err) {
    log.error('what a handler said cannot be sent', { conn: conn.id, err });
    record = event.kind === Kind.OPEN ? write.doneWith(event, Effects.encode({ answer: { status: 500 } })) : write.done(event);
  }
  seat.discount(event);
  gateway.note(record);
}

const frame = ({ payload, binary }) => ({ payload, opcode: binary ? 'OPCODE_BINARY' : 'OPCODE_TEXT' });

function answerOf(conn, { replies, session, subprotocol }) {
  conn.facts = { ...conn.facts, subprotocol };
  if (session) conn.sessionVersion = 1n;
  return {
    subprotocol,
    user: conn.user,
    groups: [...conn.groups],
    session: session ?? undefined,
    hasSession: session !== null,
    first: replies.map(frame),
  };
}
