// Who users are.

import type { GetUsersRequest, GetUsersResponse, User } from './chat.ts';
import { Pace } from './pace.ts';
import type { Parts } from './parts.ts';

/** atOnce is how many a call asks for, and most how many are known at the same time. */
const atOnce = 200;
const most = 5000;

/** People knows users by their ids, and asks for whom it does not know, many at once. */
export class People {
  private readonly p: Parts;
  private readonly known = new Map<string, User | null>();
  private readonly wanted = new Set<string>();
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
    this.known.clear();
    this.wanted.clear();
  }

  /** get is a user; undefined: it is asked for, or there is none. */
  get(id: string): User | undefined {
    const { user } = this.p.session;
    if (user?.id === id) return user;
    if (!this.known.has(id)) this.want([id]);
    return this.known.get(id) ?? undefined;
  }

  /** nameOf is what a user is shown as; empty: it is not known yet. */
  nameOf(id: string): string {
    const user = id ? this.get(id) : undefined;
    return user?.displayName || user?.name || '';
  }

  /** want asks for users that are not known. */
  want(ids: readonly string[]): void {
    for (const id of ids) if (id && !this.known.has(id) && id !== this.p.session.me) this.wanted.add(id);
    if (this.wanted.size > 0) this.later(20);
  }

  /** add takes users whoever asked for them. */
  add(users: readonly User[]): void {
    for (const u of users) {
      if (!u.id) continue;
      this.known.delete(u.id);
      this.known.set(u.id, u);
      this.wanted.delete(u.id);
    }
    for (const id of this.known.keys()) {
      if (this.known.size <= most) break;
      this.known.delete(id);
    }
    if (users.length === 0) return;
    this.p.bell.ring('people', undefined);
    this.p.book.named();
  }

  /** got takes an answer: who is not in it is not there. */
  got(req: GetUsersRequest, res: GetUsersResponse): void {
    this.add(res.users ?? []);
    for (const id of req.ids ?? []) {
      if (!this.known.has(id)) this.known.set(id, null);
      this.wanted.delete(id);
    }
  }

  private later(ms: number): void {
    if (!this.asking) this.timer ??= setTimeout(() => void this.ask(), ms);
  }

  private async ask(): Promise<void> {
    const me = this.p.session.me;
    const ids = [...this.wanted].slice(0, atOnce);
    this.timer = undefined;
    if (ids.length === 0 || !me) return;
    this.asking = true;
    let wait = 0;
    try {
      await this.p.door.call('getUsers', { ids }); // take.ts gives the answer to got
      this.pace.reset();
    } catch {
      wait = this.pace.next(2000);
    }
    this.asking = false;
    if (this.wanted.size > 0) this.later(wait);
  }
}
