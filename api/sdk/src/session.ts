// The sign-in: its tokens, one refresh at a time over all tabs, and what other tabs do.

import type { RefreshResponse, Tokens, User } from './chat.ts';
import { type ParleyError, parleyError, signedOut } from './error.ts';
import { newId } from './id.ts';
import { exclusive } from './lock.ts';
import type { Parts } from './parts.ts';
import { Store } from './storage.ts';

/** SignedIn is a sign-in as it is stored, for all tabs. */
interface SignedIn {
  user: User;
  access: string;
  /** ends is when access does, by the server's clock. */
  ends: number;
  refresh: string;
  /** request is the id of the refresh to come, chosen with the tokens: whichever tab repeats it, after whatever crash, repeats it. */
  request: string;
}

const key = 'session';

/** Session has the tokens. None of them is ever logged or told. */
export class Session {
  private readonly p: Parts;
  private now: SignedIn | undefined;
  /** isNew says that the access token came while this tab looked: if it has ended by our clock, our clock is wrong. */
  private isNew = false;
  private isSpent = false;
  private renewing: Promise<string> | undefined;

  constructor(p: Parts) {
    this.p = p;
    this.now = this.stored();
  }

  get user(): User | null {
    return this.now?.user ?? null;
  }

  /** me is the id of the user; empty: nobody. */
  get me(): string {
    return this.now?.user.id ?? '';
  }

  get refresh(): string {
    return this.now?.refresh ?? '';
  }

  /** access is a token that may be good; empty: one has to be got by renewed(). */
  get access(): string {
    const n = this.now;
    const over = !this.isNew && n !== undefined && n.ends > 0 && n.ends <= this.p.env.now();
    return n && !this.isSpent && !over ? n.access : '';
  }

  /** ends is when the access token does, by the server's clock. */
  get ends(): number {
    return this.now?.ends ?? 0;
  }

  /** keep takes a sign-in. */
  keep(user: User, tokens: Tokens): void {
    this.now = {
      user,
      access: tokens.access ?? '',
      ends: Date.parse(tokens.accessExpiresAt ?? '') || 0,
      refresh: tokens.refresh ?? '',
      request: newId(),
    };
    this.isNew = true;
    this.isSpent = false;
    this.p.env.store.write(key, this.now);
  }

  /** isWho takes what a session says about the user. */
  isWho(user: User | undefined): void {
    if (user?.id && user.id === this.now?.user.id) this.now.user = user;
  }

  /** spend makes the next conn get another access token. */
  spend(): void {
    this.isSpent = true;
  }

  /** forget ends the sign-in here, and in all tabs. */
  forget(): void {
    if (this.stored()?.user.id === this.now?.user.id) this.p.env.store.remove(key);
    this.now = undefined;
  }

  /**
   * renewed returns another access token than the one that was not good. It rejects with
   * what the server said; when the sign-in is over, it has been ended here as well.
   */
  renewed(stale: string): Promise<string> {
    this.renewing ??= this.renew(stale).finally(() => {
      this.renewing = undefined;
    });
    return this.renewing;
  }

  private async renew(stale: string): Promise<string> {
    const { env } = this.p;
    return exclusive('refresh', env.store, env.random, async () => {
      const mine = this.now;
      if (!mine) throw signedOut();
      if (stale && this.access && this.access !== stale) return this.access;
      if (this.adopted(mine, stale)) return this.now?.access ?? '';
      const used = this.now ?? mine;
      try {
        const res = (await this.p.door.once('refresh', { refresh: used.refresh, requestId: used.request })) as RefreshResponse;
        if (this.now?.user.id !== used.user.id) throw signedOut();
        this.keep({ ...used.user, ...res.user }, res.tokens ?? {});
        return this.access;
      } catch (e) {
        const error = parleyError(e);
        if (isOver(error) && !this.adopted(used, used.access) && this.now?.user.id === used.user.id)
          this.p.sync.signedOut('EXPIRED');
        throw error;
      }
    });
  }

  /** adopted takes what another tab has stored, if that is another token than the stale one. */
  private adopted(mine: SignedIn, stale: string): boolean {
    const there = this.stored();
    if (!there || there.user.id !== mine.user.id) return false;
    const isOther = there.access !== mine.access || there.refresh !== mine.refresh;
    if (isOther) this.take(there);
    return isOther && there.access !== stale;
  }

  private take(there: SignedIn): void {
    this.now = there;
    this.isNew = true;
    this.isSpent = false;
  }

  /** listen hears of what other tabs do to the sign-in. It returns how to end that. */
  listen(): () => void {
    const heard = (e: Event) => {
      const k = (e as StorageEvent).key;
      if (k !== null && k !== Store.name(key)) return;
      const there = this.stored();
      if (!there) {
        if (this.now) this.p.sync.signedOut();
      } else if (there.user.id !== this.now?.user.id) {
        if (this.now) this.p.sync.signedOut(undefined, true);
        this.take(there);
        this.p.sync.signedIn();
      } else if (there.access !== this.now?.access) {
        this.take(there);
      }
    };
    globalThis.addEventListener?.('storage', heard);
    return () => globalThis.removeEventListener?.('storage', heard);
  }

  /** takeUp reads again what is stored, and says whether there is a sign-in. */
  takeUp(): boolean {
    const there = this.stored();
    if (there?.access !== this.now?.access) {
      this.now = there;
      this.isNew = this.isSpent = false;
    }
    return this.now !== undefined;
  }

  /** takeOther takes what another tab has stored for this user since, and says whether there was something: another sign-in, perhaps. */
  takeOther(): boolean {
    return this.now !== undefined && this.adopted(this.now, this.now.access);
  }

  private stored(): SignedIn | undefined {
    const s = this.p.env.store.read<SignedIn>(key);
    if (!s?.user?.id || typeof s.refresh !== 'string' || typeof s.access !== 'string') return undefined;
    return { user: s.user, access: s.access, refresh: s.refresh, ends: Number(s.ends) || 0, request: s.request || newId() };
  }
}

/** isOver says that a refresh token is worth nothing; anything else may be a mistake that passes. */
const isOver = (e: ParleyError): boolean =>
  !e.temporary && ['UNAUTHENTICATED', 'INVALID', 'FORBIDDEN', 'NOT_FOUND'].includes(e.reason);
