// What is missing is fetched: who a conversation is, its lines, its changes.

import type { GetChangesResponse, GetMessagesResponse } from './chat.ts';
import { type Conversation, page } from './conversation.ts';
import { type ParleyError, parleyError, signedOut } from './error.ts';
import { jittered, Pace } from './pace.ts';
import type { Parts } from './parts.ts';
import type { Want } from './window.ts';

/** hold is how long what is ahead waits for what is missing to come by itself, in ms. */
const hold = 300;

/** atOnce is how many calls fetch at the same time. */
const atOnce = 4;

/** manyStale is from how many doubtful conversations on the whole list is fetched, rather than each of them. */
const manyStale = 10;

/** perFetch is how many messages or changes come at once. */
const perFetch = 200;

type Task = Want | 'ask' | 'open';

interface Waiter {
  done: () => void;
  failed: (e: ParleyError) => void;
}

/** Repair asks, one call at a time for each conversation, until nothing is missing. */
export class Repair {
  private readonly p: Parts;
  private readonly due = new Set<Conversation>();
  private readonly under = new Map<Conversation, Task>();
  private readonly notBefore = new Map<Conversation, number>();
  private readonly waiting = new Map<string, Waiter[]>();
  private readonly pace: Pace;
  private readonly paces = new Map<Conversation, Pace>();
  private pausedUntil = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private relisted = 0;

  constructor(p: Parts) {
    this.p = p;
    this.pace = new Pace(p.env.random);
  }

  /** busy says that lines that were missed are on their way. */
  get busy(): boolean {
    for (const c of this.due) if (c.window && c.window.made > 0 && c.wanted && this.task(c).task) return true;
    return false;
  }

  clear(): void {
    this.lost();
    this.due.clear();
    this.notBefore.clear();
    for (const id of [...this.waiting.keys()]) this.settle(id, signedOut());
  }

  /** began looks at everything: a session was opened, or the list has come. */
  began(): void {
    this.pausedUntil = 0;
    this.pace.reset();
    for (const c of this.p.book.values()) this.attend(c);
  }

  /** lost forgets what was under way on a conn. */
  lost(): void {
    this.under.clear();
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** openAgain makes all that is looked at be opened once more. */
  openAgain(): void {
    for (const c of this.p.book.values()) {
      if (!c.looked) continue;
      if (c.type === 'room') c.conn = -1;
      this.marksOf(c);
      this.attend(c);
    }
  }

  /** opened resolves when the newest lines are there. */
  opened(c: Conversation): Promise<void> {
    return new Promise((done, failed) => {
      const list = this.waiting.get(c.id) ?? [];
      list.push({ done, failed });
      this.waiting.set(c.id, list);
      this.attend(c);
      this.settleIfThere(c);
    });
  }

  /** settle ends the waiting for a conversation. */
  settle(id: string, error?: ParleyError): void {
    const list = this.waiting.get(id) ?? [];
    this.waiting.delete(id);
    for (const w of list) {
      if (error) w.failed(error);
      else w.done();
    }
  }

  /** attend has fetched what a conversation needs; held: when it has not come by itself. */
  attend(c: Conversation, held = false): void {
    const w = c.window;
    const now = this.p.env.now();
    if (w) {
      const at = held ? now + jittered(hold, this.p.env.random) : now;
      w.gap = w.next > w.head ? 0 : w.gap ? Math.min(w.gap, at) : at;
      w.revGap = w.rev >= w.headRev ? 0 : w.revGap ? Math.min(w.revGap, at) : at;
    }
    if (!this.task(c).task) return;
    this.due.add(c);
    this.soon(0);
  }

  private soon(ms: number): void {
    if (ms === 0 && this.timer === undefined) {
      this.timer = setTimeout(() => this.step(), 0);
    } else if (ms > 0) {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.step(), ms);
    } else {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.step(), 0);
    }
  }

  /** task is what a conversation needs next, and from when on. */
  private task(c: Conversation): { task: Task | undefined; at: number } {
    const w = c.window;
    const want = w && c.wanted ? w.want() : undefined;
    const isOpened = !c.looked || c.conn === this.p.link.conn;
    const first = want === 'page' && w?.made === 0;
    if (!isOpened && !(first && c.described && c.type !== 'room')) return { task: 'open', at: 0 };
    if (c.stale > 0 && !first) return { task: this.p.sync.listing ? undefined : 'ask', at: 0 };
    if (!want) return { task: undefined, at: 0 };
    return { task: want, at: want === 'changes' ? w!.revGap : w!.fresh ? w!.gap : 0 };
  }

  private step(): void {
    this.timer = undefined;
    const { link, env, status } = this.p;
    if (!link.live) return;
    let next = Infinity;
    const now = env.now();
    const stale = [...this.due].filter((c) => this.task(c).task === 'ask').length;
    if (this.relist(stale)) return; // it looks again when the list has come
    for (const c of this.due) {
      const { task, at } = this.task(c);
      if (!task) this.due.delete(c);
      if (!task || this.under.has(c)) continue;
      const when = Math.max(at, this.notBefore.get(c) ?? 0, this.pausedUntil);
      if (now < when) next = Math.min(next, when);
      else if (this.under.size < atOnce && task) void this.fetch(c, task);
    }
    if (next < Infinity) this.soon(Math.max(1, Math.ceil(next - now)));
    status.touch();
  }

  /** relist fetches the list in place of many conversations of it, but not again and again. */
  private relist(stale: number): boolean {
    if (stale <= manyStale || Math.abs(this.p.env.now() - this.relisted) < 60_000) return false;
    this.relisted = this.p.env.now();
    this.p.sync.list();
    return true;
  }

  private async fetch(c: Conversation, task: Task): Promise<void> {
    const { link, frames, book, status } = this.p;
    const socket = link.socket!;
    const since = frames.n;
    const w = c.window;
    this.under.set(c, task);
    status.touch();
    try {
      const res = await socket.call(...this.request(c, task), 10_000);
      if (link.socket !== socket) return;
      this.under.delete(c);
      this.pausedUntil = 0;
      this.pace.reset();
      this.notBefore.delete(c);
      if (task === 'open' && c.looked) this.marksOf(c);
      else if (task === 'open') this.away(c); // it was closed before the answer came
      if (task === 'ask' && c.stale <= since) c.stale = 0;
      if (w && w === c.window && c.wanted) this.took(c, task, res);
      book.changed(c);
      this.settleIfThere(c);
    } catch (e) {
      if (link.socket !== socket) return;
      this.under.delete(c);
      this.failed(c, task, parleyError(e), since);
    }
    this.attend(c);
    this.soon(0);
  }

  private request(c: Conversation, task: Task): [string, unknown] {
    const w = c.window;
    const conversation = c.id;
    switch (task) {
      case 'ask':
        return ['getConversation', { conversation }];
      case 'open':
        return ['openConversation', { conversation }];
      case 'page':
        return ['getMessages', { conversation, limit: Math.min(Math.max(page, w!.messages.length), 500) }];
      case 'after':
        return ['getMessages', { conversation, after: String(w!.next - 1n), limit: perFetch }];
      case 'changes':
        return ['getChanges', { conversation, after: String(w!.rev), limit: perFetch }];
    }
  }

  private took(c: Conversation, task: Task, res: unknown): void {
    const w = c.window!;
    if (task === 'page') w.gotPage(res as GetMessagesResponse);
    else if (task === 'after') w.gotAfter(res as GetMessagesResponse);
    else if (task === 'changes') w.gotChanges(res as GetChangesResponse);
    else return;
    c.raise(w.head, w.headRev);
    for (const m of (res as GetMessagesResponse).messages ?? []) {
      if (m.requestId) this.p.outbox.settleByKey(m.requestId);
    }
    this.p.people.want(w.messages.flatMap((m) => [m.sender, ...m.users]));
    if (w.fruitless > 0) this.notBefore.set(c, this.p.env.now() + this.paceOf(c).next());
    else this.paces.delete(c);
  }

  private failed(c: Conversation, task: Task, e: ParleyError, since: number): void {
    const { env, sync } = this.p;
    const now = env.now();
    if (e.reason === 'NOT_FOUND' || e.reason === 'FORBIDDEN') {
      if (c.touched <= since || task === 'ask') c.stale = 0;
      c.leave();
      if (c.looked && (task === 'open' || c.type === 'room')) c.looked = false;
      this.p.book.changed(c);
      this.settle(c.id, e);
    } else if (e.reason === 'UNAUTHENTICATED') {
      void sync.renew();
      this.pausedUntil = now + this.pace.next();
    } else if (e.temporary) {
      // It is not this conversation's trouble: all wait, and the first answer lets all go on.
      if (now >= this.pausedUntil) this.pausedUntil = now + this.pace.next(e.retryAfterMs);
    } else {
      if (task === 'open') {
        c.looked = false;
        this.settle(c.id, e);
      }
      this.notBefore.set(c, now + this.paceOf(c).next(1000));
    }
  }

  private paceOf(c: Conversation): Pace {
    let pace = this.paces.get(c);
    if (!pace) {
      pace = new Pace(this.p.env.random, 1000, 30_000);
      this.paces.set(c, pace);
    }
    return pace;
  }

  private settleIfThere(c: Conversation): void {
    if (c.window?.fresh && (c.type !== 'room' || c.conn === this.p.link.conn)) this.settle(c.id);
  }

  /** away tells the conn that a conversation is not looked at any more. */
  away(c: Conversation): void {
    const isOpened = c.conn === this.p.link.conn;
    c.conn = 0;
    if (isOpened && this.p.link.live)
      this.p.link.socket?.call('closeConversation', { conversation: c.id }, 10_000).catch(() => {});
  }

  /** marksOf asks how far others have read, where they tell. */
  private marksOf(c: Conversation): void {
    if (!c.tellsMarks || c.isLeft) return;
    this.p.door.call('listMembers', { conversation: c.id, limit: 500 }).then(
      (res) => {
        for (const m of res.members ?? []) {
          if (m.user && m.user !== this.p.session.me && m.readSeq) c.readBy(m.user, BigInt(m.readSeq));
        }
        this.p.people.want((res.members ?? []).map((m) => m.user ?? ''));
        this.p.bell.ring('lines', c.id);
      },
      () => {}, // the next receipt tells
    );
  }
}
