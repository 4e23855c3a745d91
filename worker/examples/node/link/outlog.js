// The ordered log of what goes to one gateway. Commands and sends are numbered and stay
// until the gateway has applied them, over as many streams as that takes; all other records
// belong to the stream and are forgotten with it.
//
// Its bound is MAX_BYTES. Full: a command waits for room; so does an acknowledgement, at
// twice that, so that handlers are not held up by commands. What is awaited is answered, or
// refused when there has been no stream for AWAY_MS: nobody should wait for what may never
// come. The command itself stays queued.
import { Result } from './protos.js';

const MAX_BYTES = 16 << 20;
const AWAY_MS = 1000;
const CHUNK_BYTES = 64 << 10; // of one message of the stream; more brings little

export class Outlog {
  #next;
  #applied;
  #kept = new Map(); // by number, rising: records that are not applied
  #unsent = []; // {record, kept} for this stream, in order; kept ones are above as well
  #bytes = 0; // of both, counted once
  #awaited = new Map(); // by number: {record, resolve, reject}
  #live = false;
  #away = null; // timer; null with a stream, and when it has fired
  #over = null; // why nothing is taken any more
  #waiters = []; // of room, or of a change
  #wake;

  // next is the number of the first command; wake is called when there is something to send.
  constructor(next, wake) {
    this.#next = next;
    this.#applied = next - 1;
    this.#wake = wake;
    this.#goneSilent();
  }

  get next() {
    return this.#next;
  }

  get live() {
    return this.#live;
  }

  // awaiting is the lowest number whose result is wanted; the next number when none is.
  get awaiting() {
    return this.#awaited.keys().next().value ?? this.#next; // a Map keeps the order
  }

  // sent says whether the stream has been given everything.
  get sent() {
    return this.#unsent.length === 0;
  }

  // flushed says whether everything is sent and all commands are applied.
  get flushed() {
    return this.#kept.size === 0 && this.#unsent.length === 0;
  }

  // command appends what write makes of a number, and resolves to its Result. It waits for
  // room as long as signal allows.
  async command(write, signal) {
    while (!this.#over && this.#bytes >= MAX_BYTES) await this.changed(signal);
    if (this.#over) throw this.#over;
    if (signal.aborted) throw signal.reason;
    const n = this.#next;
    const record = write(n); // throws when it breaks a bound: the number is not used then
    this.#next++;
    this.#kept.set(n, record);
    this.#bytes += record.length;
    if (this.#live) this.#queue(record, true);
    else if (this.isAway) throw new Error('the link to the gateway is down'); // what is queued stays so
    return new Promise((resolve, reject) => {
      const done = (settle) => (value) => {
        signal.removeEventListener('abort', giveUp);
        this.#awaited.delete(n);
        settle(value);
      };
      const giveUp = () => done(reject)(signal.reason);
      signal.addEventListener('abort', giveUp);
      this.#awaited.set(n, { record, resolve: done(resolve), reject: done(reject) });
    });
  }

  // note appends a record of this stream; without one it is void.
  note(record) {
    if (this.#live) this.#queue(record, false);
  }

  // roomForAcks resolves when an acknowledgement may be noted, or the stream has ended.
  async roomForAcks() {
    while (this.#live && this.#bytes >= 2 * MAX_BYTES) await this.changed();
  }

  // take gives the next records to send, null when there are none.
  take() {
    let size = 0;
    let n = 0;
    for (; n < this.#unsent.length; n++) {
      const { record, kept } = this.#unsent[n];
      if (n > 0 && size + record.length > CHUNK_BYTES) break;
      size += record.length;
      if (!kept) this.#bytes -= record.length;
    }
    if (n === 0) return null;
    const records = this.#unsent.splice(0, n).map(({ record }) => record);
    this.#notify();
    return n === 1 ? records[0] : Buffer.concat(records, size);
  }

  // attach makes the log that of a new stream: the gateway has applied all up to last. What
  // is above goes again, in order, and so does what is at or below it and still awaited. Of
  // what it confirmed earlier and says nothing of now, the result is unknown.
  attach(last) {
    clearTimeout(this.#away);
    this.#away = null;
    this.#live = true;
    for (const [n, { record, resolve }] of [...this.#awaited]) {
      if (n <= last) this.#queue(record, false);
      else if (n <= this.#applied) resolve({ status: 'STATUS_UNKNOWN' });
    }
    this.apply(last);
    for (const record of this.#kept.values()) this.#queue(record, true);
    this.#notify();
  }

  // detach ends the stream's part.
  detach() {
    this.#live = false;
    this.#unsent = [];
    this.#bytes = 0;
    for (const record of this.#kept.values()) this.#bytes += record.length;
    this.#goneSilent();
    this.#notify();
  }

  // isAway says that there has been no stream for AWAY_MS.
  get isAway() {
    return !this.#live && this.#away === null;
  }

  // apply is Applied: all up to n.
  apply(n) {
    for (const [number, record] of this.#kept) {
      if (number > n) break;
      this.#kept.delete(number);
      this.#bytes -= record.length;
    }
    this.#applied = Math.max(this.#applied, Math.min(n, this.#next - 1));
    this.#notify();
  }

  // result is a Result record. It throws when the body is malformed.
  result(n, body) {
    this.#awaited.get(n)?.resolve(Result.decode(body));
  }

  // end makes the log take no more commands; close drops what is in it as well.
  end(why) {
    this.#over ??= why;
    this.#notify();
  }

  close(why) {
    this.end(why);
    clearTimeout(this.#away);
    this.#live = false;
    this.#kept.clear();
    this.#unsent = [];
    this.#bytes = 0;
    this.#refuse(why);
    this.#notify();
  }

  // poke wakes whoever waits for a change.
  poke() {
    this.#notify();
  }

  // changed resolves when anything here has changed; it rejects when signal aborts.
  changed(signal) {
    return new Promise((resolve, reject) => {
      const aborted = () => reject(signal.reason);
      if (signal?.aborted) return aborted();
      signal?.addEventListener('abort', aborted, { once: true });
      this.#waiters.push(() => {
        signal?.removeEventListener('abort', aborted);
        resolve();
      });
    });
  }

  #queue(record, kept) {
    this.#unsent.push({ record, kept });
    if (!kept) this.#bytes += record.length;
    this.#wake();
  }

  #goneSilent() {
    this.#away = setTimeout(() => {
      this.#away = null;
      this.#refuse(new Error('the link to the gateway is down'));
      this.#notify();
    }, AWAY_MS);
  }

  #refuse(err) {
    for (const { reject } of [...this.#awaited.values()]) reject(err);
  }

  #notify() {
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
}
