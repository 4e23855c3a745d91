// Which gateway is next.

import { json } from './door.ts';
import { sleep } from './pace.ts';
import type { Parts } from './parts.ts';

const key = 'gateways';

/** goodFor is how long a list is not asked for again, and how long a failure is remembered, in ms. */
const goodFor = 30_000;

/** Gateways knows where gateways are, in the order in which api tells them to this client, and which of them failed. */
export class Gateways {
  private readonly p: Parts;
  private list: readonly string[];
  private askedAt = -Infinity;
  private readonly failedAt = new Map<string, number>();

  constructor(p: Parts) {
    this.p = p;
    this.list = p.env.gateways ?? urls(p.env.store.read<unknown[]>(key));
  }

  /** known are those that are known without asking, in the order in which to try them. */
  known(): readonly string[] {
    const now = this.p.env.now();
    const failed = (url: string) => {
      const at = this.failedAt.get(url) ?? 0;
      return Math.abs(now - at) < goodFor ? at : 0;
    };
    return [...this.list].sort((a, b) => failed(a) - failed(b));
  }

  /** next is the one to try; undefined when none is known. It asks api, but does not wait long for it if there are others to try. */
  async next(): Promise<string | undefined> {
    const { env } = this.p;
    if (!env.gateways && Math.abs(env.now() - this.askedAt) > goodFor) {
      this.askedAt = env.now();
      const asked = this.ask();
      await (this.list.length > 0 ? Promise.race([asked, sleep(1000)]) : asked);
    }
    return this.known()[0];
  }

  private async ask(): Promise<void> {
    try {
      const body = (await this.p.door.fetch('/v1/gateways', undefined, false, 4000, json)) as { gateways?: { url?: unknown }[] };
      const found = urls(body.gateways?.map((g) => g?.url));
      if (found.length === 0) throw new Error('no gateways');
      this.list = found;
      this.p.env.store.write(key, found);
    } catch {
      this.askedAt = -Infinity; // it is asked again before the next try
    }
  }

  /** failed makes others be tried before it. */
  failed(url: string): void {
    this.failedAt.set(url, this.p.env.now());
  }

  /** moved is failed of a gateway that wants its clients elsewhere. Others may have come for that: the list is asked for anew. */
  moved(url: string): void {
    this.failed(url);
    this.askedAt = -Infinity;
  }

  /** works forgets that it failed. */
  works(url: string): void {
    this.failedAt.delete(url);
  }
}

/** urls are those of a list that are of WebSockets. */
function urls(list: unknown): string[] {
  if (!Array.isArray(list)) return [];
  return list.filter((u): u is string => typeof u === 'string' && /^wss?:\/\/[^/?#\s]+/.test(u)).slice(0, 64);
}
