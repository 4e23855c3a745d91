// Who is online.

import type { GetPresenceRequest, GetPresenceResponse, Presence as News } from './chat.ts';
import { parleyError } from './error.ts';
import { big } from './id.ts';
import { Pace } from './pace.ts';
import type { Parts } from './parts.ts';

/** atOnce is how many users a call asks for, and most of how many it is known. */
const atOnce = 200;
const most = 2000;

interface Known {
  online: boolean;
  owner: string;
  counter: bigint;
}

/** Presence knows of those a page asked about, and of those there was news of. */
export class Presence {
  private readonly p: Parts;
  private readonly known = new Map<string, Known>();
  private readonly watched = new Set<string>();
  private readonly toAsk = new Set<string>();
  /** news are those of whom something came while they were asked for: it may be newer than the answer. */
  private readonly news = new Set<string>();
  private readonly pace: Pace;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asking = false;

  constructor(p: Parts) {
    this.p = p;
    this.pace = new Pace(p.env.random);
  }

  clear(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    for (const set of [this.known, this.watched, this.toAsk, this.news]) set.clear();
  }

  /** online says whether a user is there, and keeps that up to date from now on. */
  online(user: string): boolean {
    if (user === this.p.session.me) return this.p.link.live;
    if (user && !this.watched.has(user)) {
      const oldest = this.watched.size >= most ? this.watched.values().next().value : undefined;
      if (oldest !== undefined) this.watched.delete(oldest);
      this.watched.add(user);
      this.toAsk.add(user);
      this.later(50);
    }
    return this.known.get(user)?.online ?? false;
  }

  /** lookAround asks for all who are watched: a session was opened, or something may have been lost. */
  lookAround(): void {
    for (const u of this.watched) this.toAsk.add(u);
    this.later(0);
  }

  pushed(n: News | undefined): void {
    if (!n?.user) return;
    if (this.asking) this.news.add(n.user);
    this.take(n);
  }

  /** take takes news about a user: of the same owner only a higher counter is newer. */
  private take(n: News): void {
    const user = n.user ?? '';
    const before = this.known.get(user);
    const next = { online: n.online === true, owner: n.owner ?? '', counter: big(n.counter) };
    if (before ? before.owner === next.owner && next.counter <= before.counter : this.known.size >= most) return;
    this.known.set(user, next);
    if (before?.online !== next.online) this.p.bell.ring('people', undefined);
  }

  /** got takes an answer. Of who is left out of it nothing is known; who there was news of is asked for again. */
  got(req: GetPresenceRequest, res: GetPresenceResponse): void {
    const there = new Set<string>();
    for (const n of res.presences ?? []) {
      there.add(n.user ?? '');
      if (this.news.has(n.user ?? '')) this.toAsk.add(n.user ?? '');
      else this.take(n);
    }
    for (const u of req.users ?? []) {
      if (!there.has(u) && this.known.delete(u)) this.p.bell.ring('people', undefined);
    }
  }

  private later(ms: number): void {
    if (!this.asking && this.toAsk.size > 0) this.timer ??= setTimeout(() => void this.ask(), ms);
  }

  private async ask(): Promise<void> {
    const { link } = this.p;
    this.timer = undefined;
    const users = [...this.toAsk].slice(0, atOnce);
    if (!link.live || !link.socket || users.length === 0) return; // the next session asks
    for (const u of users) this.toAsk.delete(u);
    this.asking = true;
    this.news.clear();
    let wait = 0;
    try {
      await link.socket.call('getPresence', { users }, 10_000); // take.ts gives the answer to got
      this.pace.reset();
    } catch (e) {
      const error = parleyError(e);
      if (error.temporary) for (const u of users) this.toAsk.add(u);
      wait = this.pace.next(error.retryAfterMs);
    }
    this.asking = false;
    this.later(wait);
  }
}
