// Which users and groups one gateway has, and until when that may be believed.
//
// A gateway answers a bind or join only when no worker can miss it: when each has
// acknowledged the route, or can no longer trust its table. So a route that is missing here
// means nobody is there, while the lease lasts; without it, anybody may be.
//
// Names are kept as latin1, one character per byte: a gateway's may be no UTF-8.
const key = (name) => Buffer.from(name).toString('latin1');

export class Routes {
  #users = new Set();
  #groups = new Set();
  #whole = false;
  #begun = false;
  #until = { mono: 0, wall: 0 };

  // begin is SnapshotBegin: what was known is void.
  begin() {
    this.void();
    this.#begun = true;
  }

  // void is the end of the stream, and of all trust.
  void() {
    this.#users.clear();
    this.#groups.clear();
    this.#whole = this.#begun = false;
    this.#until = { mono: 0, wall: 0 };
  }

  // set is a Delta, of the snapshot or later; per name the last one counts.
  set({ group, name, removed }) {
    const names = group ? this.#groups : this.#users;
    if (removed) names.delete(name);
    else names.add(name);
  }

  // end is SnapshotEnd. It reports whether a snapshot had begun.
  end() {
    if (!this.#begun) return false;
    this.#whole = true;
    this.#begun = false;
    return true;
  }

  // grant prolongs the lease to leaseMs after the beat at sent, see now.
  grant(sent, leaseMs) {
    if (this.#whole) this.#until = { mono: sent.mono + leaseMs, wall: sent.wall + leaseMs };
  }

  get trusted() {
    const { mono, wall } = now();
    return mono < this.#until.mono && wall < this.#until.wall;
  }

  hasUser(name) {
    return this.#users.has(key(name));
  }

  hasGroup(name) {
    return this.#groups.has(key(name));
  }
}

// now is two clocks, of which the one counts that has gone further: the monotonic one
// stands still while the machine sleeps, the other may be set back.
export const now = () => ({ mono: performance.now(), wall: Date.now() });
