// Brings the events of each conn to the handler: one at a time, in order, different conns
// at once. An Inbox holds the conns that one gateway has given to this process.
//
// Who may act for a conn is told by its term. An event of a higher one begins a new
// ownership: what waits is dropped, the handler that runs is aborted, and the new events
// begin when it has returned. When the stream ends all terms that it brought are void.
//
// The queues are bounded by what a gateway may give before it is acknowledged. One that
// gives more breaks the protocol.
import { Kind } from './records.js';

const MAX_EVENTS = 32;
const MAX_BYTES = 256 << 10; // of payloads and bodies; one event may go beyond

// Moved is why a handler is aborted: what it does for the conn no longer counts.
export class Moved extends Error {
  constructor() {
    super('the conn is no longer this worker\'s');
    this.name = 'Moved';
  }
}

// Seat is the place of one conn. state is what the work on its events keeps there; it is
// null at the first event of a term.
class Seat {
  state = null;
  queue = [];
  events = 0; // given and not done with; Context does not count
  bytes = 0; // of those
  busy = false;
  turn = null; // AbortController of the handler that runs
  void = false; // nothing of this term can be acknowledged any more
  stale = false; // state is of an older term
  gone = false; // leaves the inbox when there is nothing to do

  constructor(conn, term) {
    this.conn = conn;
    this.term = term;
  }

  // holds says whether an event of that term may still be acknowledged.
  holds(term) {
    return this.term === term && !this.void;
  }

  interrupt() {
    this.turn?.abort(new Moved());
    this.queue = [];
    this.events = this.bytes = 0;
  }

  // discount takes an event off what is not done, before its acknowledgement is sent: that
  // allows the gateway to give more.
  discount(event) {
    if (!event.counted) return;
    event.counted = false;
    if (!this.holds(event.term)) return; // interrupt has taken it off
    this.events--;
    this.bytes -= size(event);
  }
}

const size = (event) => (event.payload ?? event.body)?.length ?? 0;

export class Inbox {
  #seats = new Map(); // by conn
  #work;
  #busy;
  #crew;

  // work(seat, event) resolves when the event is done with. busy(n) is told when n conns
  // more, or -n fewer, have something to do. crew has run(event, wanted, work), which does
  // the work when it may, and poke, which is called when what is wanted may have changed.
  constructor(work, busy, crew) {
    this.#work = work;
    this.#busy = busy;
    this.#crew = crew;
  }

  // put takes an event. It throws when the gateway has given more than it may.
  put(event) {
    let seat = this.#seats.get(event.conn);
    if (!seat) this.#seats.set(event.conn, (seat = new Seat(event.conn, event.term)));
    if (event.term < seat.term && !seat.void) return; // of an owner before us
    if (event.term !== seat.term || seat.void) {
      seat.interrupt();
      seat.term = event.term;
      seat.void = false;
      seat.stale = true;
      this.#crew.poke();
    }
    seat.gone = false;
    if (event.kind !== Kind.CONTEXT) {
      if (event.kind === Kind.MESSAGE && (seat.events >= MAX_EVENTS || seat.bytes >= MAX_BYTES)) {
        throw new Error('more unacknowledged events of one conn than allowed');
      }
      seat.events++;
      seat.bytes += size(event);
      event.counted = true;
    }
    this.#push(seat, event);
  }

  // revoke takes a conn away: term is the first that this process does not hold.
  revoke(conn, term) {
    const seat = this.#seats.get(conn);
    if (!seat || seat.term >= term) return;
    seat.void = true;
    this.#dismiss(seat);
    this.#crew.poke();
  }

  // suspend: the stream has ended. What is known of the conns stays, for lost.
  suspend() {
    for (const seat of this.#seats.values()) {
      seat.interrupt();
      seat.void = true;
    }
    this.#crew.poke();
  }

  // resume: there is a new stream to the same gateway. The conns have been given to others
  // meanwhile, and come back with their context.
  resume() {
    for (const seat of this.#seats.values()) this.#dismiss(seat);
  }

  // lost: the gateway has left the cluster. Each conn that is known gets a last event.
  lost() {
    for (const seat of this.#seats.values()) {
      if (seat.gone) continue;
      seat.interrupt();
      seat.void = seat.gone = true;
      seat.stale = false; // what is known is all there will ever be
      this.#push(seat, { kind: Kind.CLOSED, conn: seat.conn, term: seat.term, lost: true });
    }
  }

  // leave lets go of a conn that has ended.
  leave(seat) {
    if (seat.queue.length === 0) seat.gone = true;
  }

  #dismiss(seat) {
    seat.interrupt();
    if (seat.busy) seat.gone = seat.stale = true;
    else this.#seats.delete(seat.conn);
  }

  #push(seat, event) {
    seat.queue.push(event);
    if (!seat.busy) this.#run(seat);
  }

  async #run(seat) {
    seat.busy = true;
    this.#busy(1);
    await null; // not while the batch is being read
    for (let event; (event = seat.queue.shift()); ) {
      if (seat.stale) {
        seat.stale = false;
        seat.state = null;
      }
      if (event.kind === Kind.CONTEXT || event.lost) await this.#work(seat, event);
      else await this.#crew.run(event, () => seat.holds(event.term), () => this.#work(seat, event));
      seat.discount(event);
    }
    seat.busy = false;
    this.#busy(-1);
    if (seat.gone) this.#seats.delete(seat.conn);
  }
}
