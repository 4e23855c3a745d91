// The registers: this process joins each of them, and they say which gateways there are.
// Registers need not know each other; what they say is united in a View. One connection to
// a register carries both streams, which live and die together.
import { EventEmitter } from 'node:events';
import { pause, sleep, within } from './backoff.js';
import { Channel } from './channel.js';
import { shake } from './handshake.js';
import { log } from './log.js';
import { RegisterService } from './protos.js';
import { View } from './view.js';

const FIRST_LEASE_MS = 3000; // until a register has said its own
const TICK_MS = 500;

// Directory emits 'change' after members or ready have.
export class Directory extends EventEmitter {
  members = []; // {id, boot, addr, revision}
  ready = false; // a whole snapshot has come
  #identity;
  #secrets;
  #tls;
  #labels;
  #view = new View(FIRST_LEASE_MS);
  #joined = new Map(); // by address: the stream that holds our lease
  #told = false; // ready, as of the last change
  #left = new Map(); // by address: called with the answer to our leave
  #leaving = false;
  #revision = 1n;
  #stop = new AbortController();
  #running = [];

  constructor({ registers, identity, secrets, tls, labels }) {
    super();
    this.#identity = identity;
    this.#secrets = secrets;
    this.#tls = tls;
    this.#labels = labels;
    const tick = setInterval(() => this.#changed((now) => this.#view.tick(now)), TICK_MS);
    this.#stop.signal.addEventListener('abort', () => clearInterval(tick));
    this.#running = registers.map((addr) => this.#keep(addr));
  }

  // linkAlive keeps a gateway in the view, whatever registers say, while its link lives.
  linkAlive(boot, alive) {
    this.#changed((now) => this.#view.link(boot, alive, now));
  }

  // leave takes our leases back, so that nobody finds us, and resolves when every register
  // that has one has answered or ms are over: there the lease ends by itself.
  async leave(ms) {
    this.#leaving = true;
    this.#revision++;
    const answers = [...this.#joined].map(([addr, stream]) => {
      const answer = new Promise((resolve) => this.#left.set(addr, resolve));
      stream.write({ leave: { revision: String(this.#revision) } });
      return within(answer, ms, `register ${addr} did not answer`).catch((err) => log.warn('not left', { err }));
    });
    await Promise.all(answers);
  }

  async close() {
    this.#stop.abort();
    await Promise.all(this.#running);
  }

  #changed(change) {
    change(performance.now());
    const before = this.members;
    this.members = this.#view.members;
    const met = this.#told === this.ready;
    this.#told = this.ready;
    if (!met || before.length !== this.members.length || before.some((m, i) => m !== this.members[i])) this.emit('change');
  }

  // keep holds one session after the other with a register.
  async #keep(addr) {
    let told = '';
    for (let attempt = 0, secret = 0; !this.#stop.signal.aborted; attempt++) {
      const begun = performance.now();
      const err = await this.#session(addr, this.#secrets[secret % this.#secrets.length] ?? '', () => {
        log.info('register reached', { register: addr });
        told = '';
      });
      if (this.#stop.signal.aborted) return;
      if (performance.now() - begun > FIRST_LEASE_MS) attempt = 0; // not one that takes us and cuts us
      if (err.secret) secret++; // another may do
      if (err.message !== told) log.warn('no register', { register: addr, err }); // once, not at each attempt
      told = err.message;
      await sleep(pause(attempt), this.#stop.signal);
    }
  }

  // session resolves to why it ended.
  async #session(addr, secret, reached) {
    const channel = new Channel(addr, this.#tls);
    const stop = () => channel.close(new Error('stopped'));
    this.#stop.signal.addEventListener('abort', stop);
    const dog = watchdog(() => channel.close(new Error('the register has been silent for a lease')));
    const parts = [];
    try {
      // First join, then watch: of two processes that do so at once, one sees the other.
      if (!this.#leaving) {
        const { stream, beatMs } = await this.#join(channel, addr, secret, dog);
        parts.push(this.#hold(stream, addr, beatMs, dog));
      }
      parts.push(this.#watch(channel, addr, secret, dog, reached));
      await Promise.all(parts);
    } catch (err) {
      return err;
    } finally {
      channel.close();
      dog.stop();
      this.#stop.signal.removeEventListener('abort', stop);
      await Promise.allSettled(parts);
      this.#joined.delete(addr);
      this.#left.get(addr)?.();
      this.#changed((now) => this.#view.lost(addr, now));
    }
  }

  // join resolves when our lease is granted.
  async #join(channel, addr, secret, dog) {
    const stream = channel.open(RegisterService.Join);
    await shake(stream.steps(), this.#identity, 'register', 0n, secret);
    const { node, role, boot, build } = this.#identity;
    const member = { id: node, role, boot: String(boot), build, labels: this.#labels, revision: String(this.#revision) };
    stream.write({ announce: { member } });
    const { granted } = (await stream.receive()) ?? {};
    if (!granted) throw new Error('a grant was due');
    dog.heard(granted.leaseMs);
    this.#joined.set(addr, stream);
    return { stream, beatMs: granted.beatMs || FIRST_LEASE_MS / 3 };
  }

  // hold keeps our lease until the register confirms that we have left.
  async #hold(stream, addr, beatMs, dog) {
    const beat = setInterval(() => this.#leaving || stream.write({ beat: {} }), beatMs);
    try {
      for (let m; (m = await stream.receive()); ) {
        dog.heard();
        if (m.draining) throw new Error('the register is about to stop');
        if (m.left) return void this.#left.get(addr)?.();
      }
      throw new Error('the register has ended the stream');
    } finally {
      clearInterval(beat);
      this.#joined.delete(addr);
    }
  }

  // watch follows the gateways until the stream ends, which is an error.
  async #watch(channel, addr, secret, dog, reached) {
    const stream = channel.open(RegisterService.Watch);
    await shake(stream.steps(), this.#identity, 'register', 0n, secret);
    stream.write({ start: { role: 'gateway' } });
    stream.end();
    let snapshot = []; // parts of it; null: it was whole
    for (let m; (m = await stream.receive()); ) {
      dog.heard((m.snapshot ?? m.changes)?.state?.leaseMs);
      if (m.draining) throw new Error('the register is about to stop');
      if (m.snapshot && snapshot) {
        snapshot.push(...m.snapshot.members.map(memberOf));
        if (!m.snapshot.last) continue;
        this.ready = true;
        this.#changed((now) => this.#view.snapshot(addr, snapshot, m.snapshot.state?.leaseMs ?? 0, now));
        snapshot = null;
        reached();
      } else if (m.snapshot || (m.changes && snapshot)) {
        throw new Error('a snapshot comes first, and once');
      } else if (m.changes) {
        for (const change of m.changes.changes) this.#changed((now) => this.#apply(addr, change, now));
      }
    }
    throw new Error('the register has ended the stream');
  }

  #apply(addr, { present, ended }, now) {
    if (present) this.#view.present(addr, memberOf(present), now);
    else if (ended?.reason === 'REASON_LEFT') this.#view.left(addr, BigInt(ended.boot), BigInt(ended.revision), now);
    else if (ended) this.#view.expired(addr, BigInt(ended.boot), now);
  }
}

const memberOf = ({ id, boot, addr, revision }) => ({ id, boot: BigInt(boot), addr, revision: BigInt(revision) });

// watchdog calls end when a register says nothing for a lease: one that hangs, or one
// behind a connection that is dead without knowing it.
function watchdog(end) {
  let ms = FIRST_LEASE_MS;
  let timer = setTimeout(end, ms);
  return {
    heard(leaseMs) {
      ms = leaseMs || ms;
      clearTimeout(timer);
      timer = setTimeout(end, ms);
    },
    stop: () => clearTimeout(timer),
  };
}
