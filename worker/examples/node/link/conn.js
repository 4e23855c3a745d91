// A conn as a handler sees it. What a handler does through it is either one answer, which
// leaves with the acknowledgement of the event and counts wholly or not at all (reply,
// session, close, and everything in onOpen), or a command that the gateway answers (bind,
// join and leave later on).
import { Command } from './protos.js';
import * as write from './write.js';

// text and binary make frames.
export const text = (s) => ({ payload: Buffer.from(s), binary: false });
export const binary = (bytes) => ({ payload: Buffer.from(bytes), binary: true });
export const frameOf = (what) => (typeof what === 'string' ? text(what) : Buffer.isBuffer(what) ? binary(what) : what);

// named throws unless names may be those of users or groups.
function named(...names) {
  for (const name of names) {
    const bytes = Buffer.byteLength(name);
    if (bytes < 1 || bytes > 256) throw new Error(`a user or group has 1 to 256 bytes, not ${bytes}`);
  }
}

// connId is the text of a conn's id, the same in every worker of the cluster: boot of the
// gateway and number of the conn.
export function connId(boot, conn) {
  const b = Buffer.alloc(16);
  b.writeBigUInt64BE(boot, 0);
  b.writeBigUInt64BE(conn, 8);
  return b.toString('base64url');
}

// parseConnId is its reverse: {boot, conn}. It throws when id is none.
export function parseConnId(id) {
  const b = Buffer.from(id, 'base64url');
  if (b.length !== 16 || b.toString('base64url') !== id) throw new Error('not a connection id');
  return { boot: b.readBigUInt64BE(0), conn: b.readBigUInt64BE(8) };
}

export class Conn {
  // What is known of the conn.
  facts = null;
  user = '';
  groups = new Set();
  session = Buffer.alloc(0);
  sessionVersion = 0n;

  #gateway;
  #conn;
  #term;
  #turn = null; // what the handler that runs has said so far

  constructor(gateway, conn, term, sender) {
    this.#gateway = gateway;
    this.#conn = conn;
    this.#term = term;
    this.id = connId(gateway.boot, conn);
    this.sender = sender;
  }

  // reply sends a text (string), a binary frame (Buffer) or a frame to this conn.
  reply(what) {
    this.#now().replies.push(frameOf(what));
  }

  // refuse answers onOpen: the client gets this HTTP status, 400 to 599.
  refuse(status, reason = '') {
    this.#opening('refuse').refusal = { status, reason };
  }

  // choose answers onOpen: the subprotocol, one of facts.subprotocols.
  choose(subprotocol) {
    this.#opening('choose').subprotocol = subprotocol;
  }

  // setSession writes the session: bytes that the gateway keeps for the conn.
  setSession(bytes) {
    const session = Buffer.from(bytes);
    if (session.length > this.#gateway.maxSessionBytes) throw new Error(`a session of ${session.length} bytes is too large`);
    this.#now().session = session;
    this.session = session;
  }

  // close ends the conn behind its replies.
  close(code = 1000, reason = '') {
    this.#now().close = { code, reason };
  }

  // bind ties the conn to a user. When it resolves no send of any worker misses him.
  async bind(user) {
    named(user);
    if (!this.#turn?.opening) await this.#command({ bind: { conn: this.#ref(), user } });
    this.user = user;
  }

  async unbind() {
    if (!this.#turn?.opening) await this.#command({ unbind: { conn: this.#ref() } });
    this.user = '';
  }

  // join puts the conn into groups; like bind.
  async join(...groups) {
    named(...groups);
    if (!this.#turn?.opening) await this.#command({ join: { target: { conn: this.#ref() }, groups } });
    for (const group of groups) this.groups.add(group);
  }

  async leave(...groups) {
    named(...groups);
    if (!this.#turn?.opening) await this.#command({ leave: { target: { conn: this.#ref() }, groups } });
    for (const group of groups) this.groups.delete(group);
  }

  // learn takes a Context.
  learn({ facts, user, groups, session, sessionVersion }) {
    if (facts) this.facts = facts;
    this.user = user;
    this.groups = new Set(groups);
    this.session = session;
    this.sessionVersion = BigInt(sessionVersion);
  }

  // begin and end are called around a handler. end gives what it has said.
  begin(signal, opening) {
    this.#turn = { signal, opening, replies: [], session: null, close: null, refusal: null, subprotocol: '' };
  }

  end() {
    const turn = this.#turn;
    this.#turn = null;
    return turn;
  }

  #now() {
    if (!this.#turn) throw new Error('no handler of this conn runs: use conn.sender');
    return this.#turn;
  }

  #opening(what) {
    const turn = this.#now();
    if (!turn.opening) throw new Error(`${what} is for onOpen`);
    return turn;
  }

  #ref() {
    return { conn: String(this.#conn), term: this.#term }; // refused once somebody else acts for it
  }

  #command(command) {
    const body = Command.encode(command);
    const done = this.#gateway.command((n) => write.command(n, body), this.#now().signal).then(({ status, message }) => {
      if (status !== 'STATUS_OK') throw new Error(`${Object.keys(command)[0]}: ${status} ${message ?? ''}`.trim());
    });
    done.catch(() => {}); // the handler has it; one that does not look is not the end of the process
    return done;
  }
}
