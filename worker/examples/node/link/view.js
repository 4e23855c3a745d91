// Who is believed to be there: what several registers say of the members of one role,
// united. It does no I/O and is told the time, in ms that only grow. The rule is in
// register/doc.go, "Who is in a view":
//
//   - whom a register that is reached lists is in;
//   - nobody leaves while this process has a living link to him;
//   - else he leaves when he said so himself, when a register saw his lease end and none
//     that is reached lists him, or when none has listed him for three leases.
//
// So a register that is out of reach, or comes back empty, takes nobody with it.
const REMEMBER_LEFT = 30; // leases that a leave is remembered

export class View {
  #registers = new Map(); // by address: {reached, lists: Set of boots}
  #entries = new Map(); // by boot
  #linked = new Set(); // boots with a living link
  #leaseMs;

  constructor(leaseMs = 3000) {
    this.#leaseMs = leaseMs;
  }

  // snapshot takes the whole account of a register that is reached from now on.
  snapshot(addr, members, leaseMs, now) {
    this.#leaseMs = Math.max(this.#leaseMs, leaseMs);
    const register = this.#register(addr);
    register.reached = true;
    register.lists = new Set();
    for (const member of members) this.#list(register, member);
    this.tick(now);
  }

  present(addr, member, now) {
    this.#list(this.#register(addr), member);
    this.tick(now);
  }

  // expired: a register saw a lease end. Another may still list the member.
  expired(addr, boot, now) {
    this.#register(addr).lists.delete(boot);
    const entry = this.#entries.get(boot);
    if (entry) entry.ended = true; // until it is found listed
    this.tick(now);
  }

  // left: the member said so itself, which is true at every register, unless it has said
  // something newer since.
  left(addr, boot, revision, now) {
    this.#register(addr).lists.delete(boot);
    const entry = this.#entry(boot);
    if (revision >= entry.revision && revision > entry.left) {
      entry.left = revision;
      entry.leftAt = now;
      for (const register of this.#registers.values()) register.lists.delete(boot);
    }
    this.tick(now);
  }

  // lost: a register is out of reach.
  lost(addr, now) {
    this.#register(addr).reached = false;
    this.tick(now);
  }

  // link notes that there is, or no longer is, a living link to a member.
  link(boot, alive, now) {
    if (alive) this.#linked.add(boot);
    else this.#linked.delete(boot);
    this.tick(now);
  }

  // tick lets time pass.
  tick(now) {
    for (const [boot, entry] of this.#entries) this.#review(boot, entry, now);
  }

  get members() {
    return [...this.#entries.values()].filter((entry) => entry.in).map((entry) => entry.member);
  }

  #register(addr) {
    if (!this.#registers.has(addr)) this.#registers.set(addr, { reached: false, lists: new Set() });
    return this.#registers.get(addr);
  }

  #entry(boot) {
    if (!this.#entries.has(boot)) {
      this.#entries.set(boot, { member: null, revision: -1n, in: false, ended: false, left: -1n, leftAt: 0, unlistedAt: null });
    }
    return this.#entries.get(boot);
  }

  #list(register, member) {
    const entry = this.#entry(member.boot);
    if (member.revision <= entry.left) return; // an account older than the leave
    entry.left = -1n;
    register.lists.add(member.boot);
    if (member.revision > entry.revision || !entry.member) {
      entry.member = member;
      entry.revision = member.revision;
    }
  }

  #review(boot, entry, now) {
    const reached = [...this.#registers.values()].filter((register) => register.reached);
    if (reached.some((register) => register.lists.has(boot))) {
      entry.in = true;
      entry.ended = false;
      entry.unlistedAt = null;
      return;
    }
    if (reached.length === 0) entry.unlistedAt = null; // nobody could have listed him
    else entry.unlistedAt ??= now;
    if (this.#linked.has(boot)) return;
    const forgotten = entry.unlistedAt !== null && now - entry.unlistedAt >= 3 * this.#leaseMs;
    if (entry.left >= 0n || entry.ended || forgotten) entry.in = false;
    if (!entry.in && (entry.left < 0n || now - entry.leftAt >= REMEMBER_LEFT * this.#leaseMs)) this.#entries.delete(boot);
  }
}
