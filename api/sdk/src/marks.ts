// Read marks, and who types.

import type { TypingPush } from './chat.ts';
import { type Conversation, lastsTyping } from './conversation.ts';
import { parleyError } from './error.ts';
import { jittered, Pace } from './pace.ts';
import type { Parts } from './parts.ts';

/** gather is how long read marks of a conversation are gathered, in ms. */
const gather = 300;

/** sayAgain is how often it is said that the user still types; stops is when not a key more is taken as having stopped, in ms. */
const sayAgain = 3200;
const stops = 4500;

interface Typing {
  saidAt: number;
  stop?: ReturnType<typeof setTimeout>;
}

/** Marks tells how far the user has read and that the user types, and hears it of others. */
export class Marks {
  private readonly p: Parts;
  private readonly reading = new Map<string, bigint>();
  private readonly own = new Map<string, Typing>();
  private readonly pace: Pace;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private flying = false;

  constructor(p: Parts) {
    this.p = p;
    this.pace = new Pace(p.env.random);
  }

  clear(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    for (const t of this.own.values()) clearTimeout(t.stop);
    this.own.clear();
    this.reading.clear();
  }

  /** read raises the mark, here at once, and soon at the server. */
  read(id: string, seq: bigint): void {
    const c = this.p.book.get(id);
    if (!c || seq <= c.readSeq || seq < 1n || c.isLeft) return;
    c.readTo(seq > c.head ? c.head : seq);
    this.p.book.changed(c);
    this.reading.set(id, c.readSeq);
    this.later(jittered(gather, this.p.env.random));
  }

  /** post sends the marks that wait, when a session was opened. */
  post(): void {
    if (this.reading.size > 0) this.later(0);
  }

  private later(ms: number): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.go();
    }, ms);
  }

  private async go(): Promise<void> {
    const { link, sync } = this.p;
    const [id, seq] = this.reading.entries().next().value ?? [];
    if (!link.live || !link.socket || this.flying || !id || seq === undefined) return;
    this.flying = true;
    let wait = 0;
    try {
      await link.socket.call('markRead', { conversation: id, seq: String(seq) }, 10_000);
      this.pace.reset();
      this.done(id, seq);
    } catch (e) {
      const error = parleyError(e);
      if (error.reason === 'UNAUTHENTICATED') void sync.renew();
      else if (!error.temporary) this.done(id, seq);
      wait = this.pace.next(error.retryAfterMs);
    }
    this.flying = false;
    if (this.reading.size > 0) this.later(wait);
  }

  private done(id: string, seq: bigint): void {
    if (this.reading.get(id) === seq) this.reading.delete(id);
  }

  /** typing says that the user types, as often as others need to hear it. */
  typing(id: string): void {
    const now = this.p.env.now();
    const t = this.own.get(id) ?? { saidAt: -Infinity };
    this.own.set(id, t);
    clearTimeout(t.stop);
    t.stop = setTimeout(() => this.quietOwn(id, true), stops);
    if (Math.abs(now - t.saidAt) < sayAgain) return;
    t.saidAt = now;
    this.say(id, true);
  }

  /** quietOwn ends that; others know it by the message, if one was sent. */
  quietOwn(id: string, aloud = false): void {
    const t = this.own.get(id);
    if (!t) return;
    clearTimeout(t.stop);
    this.own.delete(id);
    if (aloud) this.say(id, false);
  }

  /** say tries once: a moment later it would say nothing. */
  private say(conversation: string, typing: boolean): void {
    if (this.p.link.live) this.p.link.socket?.call('setTyping', { conversation, typing }, 10_000).catch(() => {});
  }

  /** heard takes that another types. */
  heard(t: TypingPush): void {
    const c = t.conversation ? this.p.book.get(t.conversation) : undefined;
    if (!c || !t.user || t.user === this.p.session.me) return;
    this.p.people.want([t.user]);
    if (c.hear(t.user, t.typing === true, this.p.env.now())) this.p.bell.ring('typing', c.id);
    if (t.typing) setTimeout(() => this.expire(c), lastsTyping + 50);
  }

  private expire(c: Conversation): void {
    const now = this.p.env.now();
    for (const [user, until] of c.typing) {
      if (until > now && until - now <= lastsTyping) continue;
      c.typing.delete(user);
      this.p.bell.ring('typing', c.id);
    }
  }
}
