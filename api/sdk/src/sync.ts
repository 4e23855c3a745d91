// The session of a conn: who it is, and what changed while there was none.

import type { Head, ListHeadsResponse, OpenSessionResponse, RenewResponse } from './chat.ts';
import { parleyError } from './error.ts';
import { jittered, Pace, sleep } from './pace.ts';
import type { Parts } from './parts.ts';
import type { Socket } from './socket.ts';

/** renewAhead is how long before its end a token is renewed, if the server did not ask before, in ms. */
const renewAhead = 60_000;

/** lookEvery is how often heads are asked for where messages may come that are not pushed, in ms. */
const lookEvery = 60_000;

/** pageOfList is how many conversations come at once. */
const pageOfList = 200;

/** Look is one comparison of heads: what openSession answered, and the pages after it. */
interface Look {
  cursor: string;
  complete: boolean;
  seen: Set<string>;
  since: number;
}

/** Sync opens sessions and compares heads. */
export class Sync {
  private readonly p: Parts;
  /** cursor is that of the last comparison that was completed. It is kept in memory only, as what it stands for is. */
  private cursor = '';
  private look: Look | undefined;
  private again = false;
  private asking = false;
  private readonly pace: Pace;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private renewTimer: ReturnType<typeof setTimeout> | undefined;
  private pollTimer: ReturnType<typeof setTimeout> | undefined;
  private renewing: Promise<void> | undefined;
  private url = '';
  /** listed: all pages of conversations have come once; listing: they are on their way. */
  private listed = false;
  listing = false;
  /** term is another one for every sign-in. */
  private term = 0;

  constructor(p: Parts) {
    this.p = p;
    this.pace = new Pace(p.env.random);
  }

  /** busy says that what was missed is not all known yet. */
  get busy(): boolean {
    return this.look !== undefined || this.again || !this.listed;
  }

  /** signedIn begins with a sign-in that session has. */
  signedIn(): void {
    this.term++;
    this.p.outbox.load();
    this.p.link.start();
  }

  /** stop ends the conn; what is known stays, and what is unsent is in storage. */
  stop(): void {
    this.term++;
    this.p.link.stop();
    this.lost();
    this.p.marks.clear();
    this.p.outbox.clear();
    this.p.status.set('signedOut', 'STOPPED');
  }

  /** signedOut ends everything that belongs to the sign-in. stored: it is another's by now, and stays in storage. */
  signedOut(reason?: string, stored = false): void {
    const { session, link, book, outbox, people, presence, images, marks, repair, status } = this.p;
    this.term++;
    link.stop();
    if (!stored) session.forget();
    this.lost();
    this.cursor = '';
    this.listed = this.again = false;
    for (const part of [book, outbox, people, presence, images, marks, repair]) part.clear();
    status.set('signedOut', reason);
  }

  /** enter opens the session of a conn, and gets a token before if there is none. It rejects when the server says that it will not be. */
  async enter(socket: Socket, url: string): Promise<void> {
    const { env, session } = this.p;
    const pace = new Pace(env.random);
    this.url = url;
    for (let refused = 0; socket.isOpen; ) {
      let token = '';
      try {
        token = session.access || (await session.renewed(''));
        const device = env.device;
        await socket.call('openSession', { token, device, client: env.program, cursor: this.cursor }, 15_000);
        return;
      } catch (e) {
        const error = parleyError(e);
        if (!socket.isOpen || !session.user) return;
        if (error.reason === 'UNAUTHENTICATED' && token) {
          session.spend();
          if (++refused > 3) return socket.cut('UNAUTHENTICATED');
        } else if (error.unanswered && token) {
          return socket.cut('SILENT'); // another gateway may have somebody who answers
        } else if (error.temporary || !token) {
          await sleep(pace.next(error.retryAfterMs));
        } else {
          throw error;
        }
      }
    }
  }

  /** opened takes the answer to openSession: what waited for it goes out now. */
  opened(res: OpenSessionResponse, since: number): void {
    const { link, session, presence, repair, outbox, marks } = this.p;
    session.isWho(res.user);
    link.socket?.beat((res.heartbeatSeconds ?? 0) * 1000);
    link.entered(this.url);
    this.ends(res.tokenExpiresAt);
    this.look = { cursor: '', complete: false, seen: new Set(), since };
    this.page(res, since);
    presence.lookAround();
    repair.began();
    if (!this.listed) this.list();
    outbox.post();
    marks.post();
    this.poll();
  }

  /** lost forgets what was under way on a conn. */
  lost(): void {
    this.look = undefined;
    this.asking = false;
    this.renewing = undefined;
    for (const t of [this.timer, this.renewTimer, this.pollTimer]) clearTimeout(t);
    this.p.repair.lost();
    this.p.status.touch();
  }

  /** resync is what to do when something may have been lost. */
  resync(): void {
    this.p.repair.openAgain();
    this.p.presence.lookAround();
    this.compare();
  }

  /** compare asks for heads, after those that are being asked for already. */
  compare(): void {
    this.again = true;
    this.p.status.touch();
    void this.go();
  }

  private async go(): Promise<void> {
    const { link, frames, status } = this.p;
    const socket = link.socket;
    if (this.asking || !socket || !link.live || !(this.look || this.again)) return;
    if (!this.look) {
      this.again = false;
      this.look = { cursor: this.cursor, complete: false, seen: new Set(), since: frames.n };
    }
    this.asking = true;
    const since = frames.n;
    let wait = 0;
    try {
      const res = (await socket.call('listHeads', { cursor: this.look.cursor }, 10_000)) as ListHeadsResponse;
      if (link.socket !== socket) return;
      this.pace.reset();
      this.page(res, since);
    } catch (e) {
      if (link.socket !== socket) return;
      const error = parleyError(e);
      if (!error.temporary) {
        // The cursor is worth nothing any more: everything, then.
        this.cursor = '';
        this.look = undefined;
        this.again = true;
      }
      wait = this.pace.next(error.retryAfterMs);
    }
    this.asking = false;
    status.touch();
    clearTimeout(this.timer);
    if (wait > 0) this.timer = setTimeout(() => void this.go(), wait);
    else void this.go();
  }

  /** page takes a page of heads. The cursor counts when all pages have come: one in between stands for a look that nobody would finish. */
  private page(res: OpenSessionResponse | ListHeadsResponse, since: number): void {
    const look = this.look;
    if (!look) return;
    for (const h of res.heads ?? []) this.head(h, since, look);
    look.cursor = res.cursor ?? '';
    look.complete ||= res.complete === true;
    if (res.more === true) return void this.go();
    this.look = undefined;
    this.cursor = look.cursor;
    if (look.complete) this.p.book.only(look.seen, look.since);
    if (this.again) void this.go();
  }

  private head(h: Head, since: number, look: Look): void {
    const id = h.conversation ?? '';
    if (!id) return;
    look.seen.add(id);
    const { book, repair, frames } = this.p;
    const c = book.of(id);
    const rev = c.headRev;
    c.takeHead(h, since);
    const holds = c.window !== undefined && c.wanted;
    if (!c.isLeft && (!c.described || (!holds && (c.head > (c.preview?.seq ?? 0n) || c.headRev > rev)))) c.doubt(frames.n);
    book.changed(c);
    repair.attend(c);
  }

  /** list fetches all conversations, page by page: names, and last lines. */
  list(): void {
    if (!this.listing) void this.pages(this.term);
  }

  private async pages(term: number): Promise<void> {
    const { door, repair, status, env } = this.p;
    this.listing = true;
    let after = '';
    let failed = false;
    try {
      for (let more = true; more && term === this.term; ) {
        const res = await door.call('listConversations', { after, limit: pageOfList }); // take.ts takes what it answers
        const last = res.conversations?.at(-1)?.id ?? '';
        more = res.more === true && last !== '' && last !== after;
        after = last;
      }
      if (term === this.term) this.listed = true;
    } catch {
      failed = true;
    }
    this.listing = false;
    if (term !== this.term) return;
    if (failed) setTimeout(() => term === this.term && this.p.link.live && this.list(), jittered(3000, env.random));
    else repair.began();
    status.touch();
  }

  /** ends notes when the conn's token does. Our clock may be wrong: what has ended by it is left to the server to tell. */
  private ends(at: string | undefined): void {
    clearTimeout(this.renewTimer);
    const left = (Date.parse(at ?? '') || 0) - this.p.env.now();
    if (left <= 0 || left > 2 ** 31 - 1) return;
    this.renewTimer = setTimeout(() => void this.renew(), left - Math.min(renewAhead, left / 4));
  }

  /** renew gives the conn another token. If that goes on to fail, the server ends the conn with 4004. It does not reject. */
  renew(): Promise<void> {
    this.renewing ??= this.renewOnce().finally(() => {
      this.renewing = undefined;
    });
    return this.renewing;
  }

  private async renewOnce(): Promise<void> {
    const { session, link, env } = this.p;
    const socket = link.socket;
    if (!socket || !link.live) return;
    clearTimeout(this.renewTimer);
    try {
      const token = await session.renewed('');
      if (link.socket !== socket) return;
      const res = (await socket.call('renew', { token }, 10_000)) as RenewResponse;
      if (link.socket === socket) this.ends(res.tokenExpiresAt);
    } catch (e) {
      if (link.socket !== socket || !session.user) return;
      this.renewTimer = setTimeout(() => void this.renew(), Math.max(jittered(2000, env.random), parleyError(e).retryAfterMs));
    }
  }

  /** poll looks at heads now and then, for rooms that nobody looks at and groups that found no place on the conn. */
  private poll(): void {
    clearTimeout(this.pollTimer);
    this.pollTimer = setTimeout(
      () => {
        if (globalThis.document?.visibilityState !== 'hidden' && this.p.book.hasQuiet()) this.compare();
        this.poll();
      },
      jittered(lookEvery, this.p.env.random),
    );
  }
}
