// The conn: made, watched, and made again.

import { type Ending, endingOf } from './ending.ts';
import { Gateways } from './gateways.ts';
import { Pace } from './pace.ts';
import type { Parts } from './parts.ts';
import { Socket } from './socket.ts';
import { answered, pushed } from './take.ts';

/** stable is how long a session lasts that makes the next pause a first one, in ms. */
const stable = 10_000;

/** Link keeps one conn. */
export class Link {
  /** socket is the conn, while calls can be made; live: its session is open. */
  socket: Socket | undefined;
  live = false;
  /** conn is the number of the last conn. */
  conn = 0;

  private readonly p: Parts;
  private readonly gateways: Gateways;
  private readonly pace: Pace;
  /** turn is another one after every start and stop: what belongs to an old one ends itself. */
  private turn = 0;
  private running = false;
  private dialling: { socket: Socket; at: number } | undefined;
  private liveAt = 0;
  private lostAt = 0;
  private wake: ((byHand: boolean) => void) | undefined;
  private poked = 0;
  private unlisten: (() => void) | undefined;

  constructor(p: Parts) {
    this.p = p;
    this.gateways = new Gateways(p);
    this.pace = new Pace(p.env.random, 500);
  }

  /** known are the gateways that are known. */
  known(): readonly string[] {
    return this.gateways.known();
  }

  /** start makes conns until stop. When it runs already, it tries at once. */
  start(): void {
    if (this.running) return this.poke(true);
    this.running = true;
    this.pace.reset();
    this.lostAt = this.p.env.now();
    this.unlisten = this.listen();
    void this.run(++this.turn);
  }

  /** stop ends the conn. */
  stop(): void {
    if (!this.running) return;
    this.running = false;
    this.turn++;
    this.unlisten?.();
    this.dialling?.socket.cut('STOPPED');
    this.wake?.(true);
  }

  /** entered is called when the session of the conn is open. */
  entered(url: string): void {
    this.live = true;
    this.liveAt = this.p.env.now();
    this.gateways.works(url);
    this.p.status.set('online');
  }

  private async run(turn: number): Promise<void> {
    let reason: string | undefined;
    while (turn === this.turn) {
      this.p.status.set('connecting', reason);
      const began = this.p.env.now();
      const url = await this.gateways.next();
      if (turn !== this.turn) return;
      const end: Ending = url ? await this.once(url) : endingOf(1006, 'UNREACHABLE');
      if (turn !== this.turn) return;
      if (url && end.moved) this.gateways.moved(url);
      else if (url && end.elsewhere) this.gateways.failed(url);
      if (end.token) this.p.session.spend();
      if (end.signedOut && !this.p.session.takeOther()) return this.p.sync.signedOut(end.reason);
      reason = globalThis.navigator?.onLine === false ? 'OFFLINE' : end.reason;
      if (!end.again && !end.signedOut) {
        this.p.status.set('waiting', end.reason);
        await this.pause(undefined);
        continue;
      }
      if (end.atOnce && this.pace.n++ === 0) continue;
      const ms = Math.max(this.pace.next(0, this.longest(this.p.env.now() - began)), end.after);
      this.p.status.set('waiting', reason, this.p.env.now() + ms);
      await this.pause(ms);
    }
  }

  /**
   * longest is the longest pause after a try that took so long. Whoever looks at the page is
   * connected within 6 s of the network's return even if the browser does not tell of it;
   * after two minutes, and for pages that nobody looks at, servers are spared.
   */
  private longest(took: number): number {
    if (globalThis.document?.visibilityState === 'hidden') return 30_000;
    if (Math.abs(this.p.env.now() - this.lostAt) >= 120_000) return 15_000;
    // A try that began too early is given up, then comes the pause; and the next one takes time, too.
    return 6000 - Math.min(Math.max(Math.abs(took), 500), 5500);
  }

  /** patience is how long a try may take: every second one longer, for slow networks. */
  private patience(): number {
    return this.pace.n % 2 === 0 ? 3500 : 5500;
  }

  /** once is one conn from its dialling to its end. */
  private once(url: string): Promise<Ending> {
    return new Promise((done) => {
      const { env, frames, sync } = this.p;
      this.conn++;
      let refused = false;
      const socket = new Socket(env, frames, url, this.patience(), {
        opened: () => {
          this.socket = socket;
          sync.enter(socket, url).catch(() => {
            refused = true;
            socket.cut('REFUSED');
          });
        },
        pushed: (method, params) => pushed(this.p, method, params),
        answered: (method, params, result, since) => answered(this.p, method, params, result, since),
        ended: (code, reason) => {
          const wasLive = this.live;
          this.live = false;
          this.socket = this.dialling = undefined;
          if (wasLive) {
            this.lostAt = env.now();
            if (env.now() - this.liveAt >= stable) this.pace.reset();
            sync.lost();
          }
          const end = endingOf(code, reason);
          done(refused ? { ...end, again: false, reason: 'ENDED' } : end);
        },
      });
      this.dialling = { socket, at: env.now() };
    });
  }

  /** pause ends after ms, or when somebody pokes; without ms only start() does. */
  private pause(ms: number | undefined): Promise<void> {
    return new Promise((done) => {
      const end = () => {
        clearTimeout(timer);
        this.wake = undefined;
        done();
      };
      const timer = ms === undefined ? undefined : setTimeout(end, ms);
      this.wake = (byHand) => (byHand || ms !== undefined) && end();
    });
  }

  /** poke tries at once: the network is back, or somebody looks. A conn that seems to be there is asked. */
  poke(byHand = false): void {
    const now = this.p.env.now();
    if (Math.abs(now - this.poked) < 500 && !byHand) return;
    this.poked = now;
    this.lostAt = now;
    if (this.socket) return this.live ? this.socket.check(3000) : undefined;
    if (this.dialling && now - this.dialling.at > 1000) this.dialling.socket.cut('UNREACHABLE'); // its first packets went nowhere
    this.wake?.(byHand);
  }

  /** listen hears of the network and of who looks. */
  private listen(): () => void {
    const poke = () => this.poke();
    const seen = () => globalThis.document?.visibilityState === 'visible' && this.poke();
    globalThis.addEventListener?.('online', poke);
    globalThis.addEventListener?.('offline', poke);
    globalThis.addEventListener?.('pageshow', poke);
    globalThis.document?.addEventListener('visibilitychange', seen);
    return () => {
      globalThis.removeEventListener?.('online', poke);
      globalThis.removeEventListener?.('offline', poke);
      globalThis.removeEventListener?.('pageshow', poke);
      globalThis.document?.removeEventListener('visibilitychange', seen);
    };
  }
}
