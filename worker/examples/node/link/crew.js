// The handlers of this process, of all gateways. They run side by side, but for an event at
// its last try, during whose handling workers were lost: it runs alone, so that the gateways
// know, should this process be lost as well, that it was this event and no other.
//
// Those that run come to their end before, unless their time is over; the others wait, each
// in the queue of its conn.
import { EventEmitter, once } from 'node:events';

const GRACE_MS = 1000; // that a handler has beyond its time to heed its signal

export class Crew {
  #limitMs;
  #announce;
  #running = new Set(); // {overdue}: overdue ones are not waited for
  #lone = null; // the event that runs alone, or is about to
  #turn = new EventEmitter().setMaxListeners(0); // 'change'

  // limitMs is the time of a handler. announce(gateway, event) resolves when the gateways
  // know that the event is about to run alone, to a function that tells them when it is over.
  constructor(limitMs, announce) {
    this.#limitMs = limitMs;
    this.#announce = announce;
  }

  // run does the work on an event, as soon as it may. wanted says whether the event is still
  // ours; when it changes call poke.
  async run(gateway, event, wanted, work) {
    if (event.alone) return this.#runAlone(gateway, event, wanted, work);
    while (this.#lone) await this.#change();
    await this.#count({ overdue: false }, work);
  }

  poke() {
    this.#turn.emit('change');
  }

  async #runAlone(gateway, event, wanted, work) {
    while (this.#lone) {
      await this.#change();
      await new Promise(setImmediate); // who waited for the last one comes first
    }
    this.#lone = event;
    try {
      await this.#hush(wanted);
      if (!wanted()) return;
      const over = await this.#announce(gateway, event);
      const run = { overdue: false };
      let ended = null;
      const end = () => (ended ??= over().then(() => this.#open(event)));
      const late = setTimeout(() => {
        run.overdue = true;
        end();
      }, this.#limitMs + GRACE_MS);
      await this.#count(run, work);
      clearTimeout(late);
      await end();
    } finally {
      this.#open(event);
    }
  }

  // hush waits until no handler runs but those whose time is over.
  async #hush(wanted) {
    const late = setTimeout(() => {
      for (const run of this.#running) run.overdue = true;
      this.poke();
    }, this.#limitMs + GRACE_MS);
    while (wanted() && [...this.#running].some((run) => !run.overdue)) await this.#change();
    clearTimeout(late);
  }

  // open lets the others begin again.
  #open(event) {
    if (this.#lone === event) this.#lone = null;
    this.poke();
  }

  async #count(run, work) {
    this.#running.add(run);
    try {
      await work();
    } finally {
      this.#running.delete(run);
      if (this.#lone) this.poke();
    }
  }

  #change() {
    return once(this.#turn, 'change');
  }
}
