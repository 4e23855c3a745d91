// One WebSocket's life and calls.

import { errorOf, late, lost, ParleyError } from './error.ts';

/** subprotocol is what this client speaks. */
const subprotocol = 'parley.v1.json';

/** maxFrame is what the server takes in one frame, in bytes: more would end the conn. */
const maxFrame = 65_536;

/** maxOverdue bounds the calls that nobody waits for any more. */
const maxOverdue = 256;

/** stalled is after how long without an answer, and without anything else, a conn is given up: the server gives a call 10 s. */
const stalled = 12_000;

/** SocketHooks are what a socket tells. None of them is called after ended. */
export interface SocketHooks {
  opened(): void;
  pushed(method: string, params: unknown): void;
  /** answered is called at every good answer, late ones too, before who asked is told. */
  answered(method: string, params: unknown, result: unknown, since: number): void;
  /** ended is called once: with a close code, or with 1006 and why it was cut. */
  ended(code: number, reason: string): void;
}

interface Pending {
  method: string;
  params: unknown;
  since: number;
  at: number;
  timer?: ReturnType<typeof setTimeout>;
  done?: (result: unknown, error?: ParleyError) => void;
}

/** Socket dials at once. It counts in frames what came, over all sockets: what is known, in order. */
export class Socket {
  /** isOpen says that calls can be made. */
  isOpen = false;

  private readonly ws: WebSocket | undefined;
  private readonly hooks: SocketHooks;
  private readonly now: () => number;
  private readonly frames: { n: number };
  private readonly pending = new Map<number, Pending>();
  private calls = 0;
  private heard: number;
  private probed = 0;
  private heartbeat = 30_000;
  private over = false;
  private timer: ReturnType<typeof setTimeout>;

  constructor(
    env: { WebSocket: typeof WebSocket; now: () => number },
    frames: { n: number },
    url: string,
    dial: number,
    hooks: SocketHooks,
  ) {
    this.hooks = hooks;
    this.now = env.now;
    this.frames = frames;
    this.heard = env.now();
    this.timer = setTimeout(() => this.cut('UNREACHABLE'), dial);
    try {
      this.ws = new env.WebSocket(url, [subprotocol]);
    } catch {
      queueMicrotask(() => this.cut('UNREACHABLE'));
      return;
    }
    this.ws.onopen = () => {
      clearTimeout(this.timer);
      if (this.ws?.protocol !== subprotocol) return this.cut('UNREACHABLE');
      this.isOpen = true;
      this.heard = this.now();
      this.watch();
      hooks.opened();
    };
    this.ws.onmessage = (e) => this.receive(e.data);
    this.ws.onclose = (e) => this.end(e.code, this.isOpen ? e.reason : 'UNREACHABLE');
  }

  /** call makes a call once. It rejects with a ParleyError: the server's, or unanswered. */
  call(method: string, params: unknown, within: number): Promise<unknown> {
    if (!this.isOpen) return Promise.reject(lost());
    const id = ++this.calls;
    const frame = JSON.stringify({ jsonrpc: '2.0', id, method, params });
    if (frame.length * 3 > maxFrame && new TextEncoder().encode(frame).length > maxFrame) {
      return Promise.reject(new ParleyError('TOO_LARGE', 'too large'));
    }
    return new Promise((good, bad) => {
      const p: Pending = { method, params, since: this.frames.n, at: this.now() };
      p.done = (result, error) => {
        clearTimeout(p.timer);
        delete p.done;
        if (error) bad(error);
        else good(result);
      };
      p.timer = setTimeout(() => this.overdue(p), within);
      this.pending.set(id, p);
      try {
        this.ws?.send(frame);
      } catch {
        this.cut('LOST');
      }
    });
  }

  /** beat says how often the server says something at least. */
  beat(ms: number): void {
    if (ms > 0) this.heartbeat = ms;
  }

  /** check asks whether anybody is there, and cuts the conn when nothing comes within ms. */
  check(within: number): void {
    const before = this.frames.n;
    this.probe();
    setTimeout(() => this.frames.n === before && this.cut('SILENT'), within);
  }

  /** cut ends the conn without waiting for the other side, which may be gone. */
  cut(reason: string): void {
    this.end(1006, reason);
  }

  private probe(): void {
    this.probed = this.now();
    this.call('getServer', {}, 10_000).catch(() => {});
  }

  /** watch ends a conn that has been silent for two heartbeats, and asks after one. */
  private watch(): void {
    this.timer = setTimeout(() => {
      const quiet = this.now() - this.heard;
      if (quiet < 0) this.heard = this.now(); // the clock was set back
      if (quiet >= 2 * this.heartbeat || this.isStalled()) return this.cut('SILENT');
      if (quiet >= 1.2 * this.heartbeat && this.now() - this.probed >= this.heartbeat / 2) this.probe();
      this.watch();
    }, 2000);
  }

  private isStalled(): boolean {
    for (const p of this.pending.values()) if (p.at >= this.heard && this.now() - p.at > stalled) return true;
    return false;
  }

  private overdue(p: Pending): void {
    p.done?.(undefined, late());
    for (const [id, old] of this.pending) {
      if (this.pending.size <= maxOverdue) break;
      if (!old.done) this.pending.delete(id);
    }
  }

  private receive(data: unknown): void {
    if (this.over) return;
    this.heard = this.now();
    this.frames.n++;
    let frame: unknown;
    try {
      frame = JSON.parse(String(data));
    } catch {
      return; // no JSON: not for us
    }
    for (const one of Array.isArray(frame) ? frame : [frame]) this.take(one);
  }

  private take(frame: Record<string, unknown> | null): void {
    if (typeof frame !== 'object' || frame === null || this.over) return;
    if (typeof frame.method === 'string') return this.hooks.pushed(frame.method, frame.params ?? {});
    const id = Number(frame.id);
    const p = this.pending.get(id);
    if (!p) return;
    this.pending.delete(id);
    if (frame.error) {
      const e = frame.error as { data?: unknown; message?: unknown };
      p.done?.(undefined, errorOf(e.data, e.message));
      return;
    }
    this.hooks.answered(p.method, p.params, frame.result ?? {}, p.since);
    p.done?.(frame.result ?? {});
  }

  private end(code: number, reason: string): void {
    if (this.over) return;
    this.over = true;
    this.isOpen = false;
    clearTimeout(this.timer);
    if (this.ws) {
      this.ws.onopen = this.ws.onmessage = this.ws.onclose = null;
      try {
        this.ws.close();
      } catch {
        // It was never open.
      }
    }
    this.hooks.ended(code, reason);
    for (const p of this.pending.values()) p.done?.(undefined, lost());
    this.pending.clear();
  }
}
