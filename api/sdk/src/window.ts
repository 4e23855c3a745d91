// The lines of one conversation that are held: what is there without a hole, and what came
// before its turn.

import type { Change, GetChangesResponse, GetMessagesResponse } from './chat.ts';
import { big, max } from './id.ts';
import { changed, type Message, messageOf } from './message.ts';

/** maxAhead bounds what is held before its turn, messages and changes each. It is known that further ones are there, so they are fetched. */
const maxAhead = 1024;

/** maxGap is how many messages may be missing until it is better to begin anew with the newest ones. */
const maxGap = 500n;

/** Want is what has to be fetched for a window. */
export type Want = 'page' | 'after' | 'changes';

/**
 * Window has the messages from begin to next, and they show all changes up to rev. It
 * does no calls: want() says which one is needed, and the got methods take the answers.
 */
export class Window {
  messages: readonly Message[] = [];
  /** fresh is false until the newest page has come, and again when all is to be fetched anew. Meanwhile what is pushed is held. */
  fresh = false;
  /** top says that nothing is above. */
  top = false;
  /** gap and revGap are until when what is missing may still come by itself; 0: nothing is. */
  gap = 0;
  revGap = 0;
  /** made counts how often the window began anew. */
  made = 0;
  /** wide is how many messages are kept because somebody scrolled up to them. */
  wide = 0;
  /** fruitless counts fetches in a row that brought nothing new. */
  fruitless = 0;

  begin = 1n;
  next = 1n;
  head = 0n;
  rev = 0n;
  headRev = 0n;
  private readonly ahead = new Map<bigint, Message>();
  private readonly aheadChanges = new Map<bigint, Change>();
  /** lateChanges are those of messages that are not in the window yet, the newest of each. */
  private readonly lateChanges = new Map<bigint, Change>();
  private olderAsked = false;
  /** shown is called for every message when it enters the window below. */
  private readonly shown: (m: Message) => void;

  constructor(shown: (m: Message) => void) {
    this.shown = shown;
  }

  /** raise notes how far the conversation has come. */
  raise(seq: bigint, rev: bigint): void {
    this.head = max(this.head, seq);
    this.headRev = max(this.headRev, rev);
  }

  /** renew makes all be fetched anew; what is there stays until then. */
  renew(): void {
    this.fresh = false;
  }

  /** want is what has to be fetched now, or at .gap or .revGap. */
  want(): Want | undefined {
    if (!this.fresh) return 'page';
    const missing = this.head - this.next + 1n;
    if (missing > maxGap || (missing > 0n && this.next <= 1n)) return 'page'; // after 0 would be the newest anyway
    if (missing > 0n) return 'after';
    return this.rev < this.headRev ? 'changes' : undefined;
  }

  get(seq: bigint): Message | undefined {
    const i = this.find(seq);
    return this.messages[i]?.seq === seq ? this.messages[i] : undefined;
  }

  /** find is the index of the first message that is not below seq. */
  private find(seq: bigint): number {
    let [low, high] = [0, this.messages.length];
    while (low < high) {
      const mid = (low + high) >> 1;
      if (this.messages[mid]!.seq < seq) low = mid + 1;
      else high = mid;
    }
    return low;
  }

  /** take takes a message, however it came. */
  take(m: Message, fetched = false): void {
    if (m.seq < 1n) return;
    this.raise(m.seq, 0n);
    if (this.fresh && m.seq < this.next) return this.repeated(m);
    if (this.fresh && m.seq === this.next) {
      this.append(m);
      return this.drain();
    }
    const have = this.ahead.get(m.seq);
    if (have ? m.rev > have.rev : this.ahead.size < maxAhead || fetched) this.ahead.set(m.seq, m);
  }

  /** repeated takes what is newer in a message that is there. */
  private repeated(m: Message): void {
    const i = this.find(m.seq);
    const there = this.messages[i];
    if (there?.seq !== m.seq) return;
    if (m.rev > there.rev) this.replace(i, { ...m, requestId: m.requestId || there.requestId });
    else if (m.requestId && !there.requestId) this.replace(i, { ...there, requestId: m.requestId });
  }

  private replace(i: number, m: Message): void {
    this.messages = this.messages.with(i, m);
  }

  private append(m: Message): void {
    this.messages = [...this.messages, this.upToDate(m)];
    this.next = m.seq + 1n;
    this.fruitless = 0;
    this.shown(m);
  }

  /** upToDate is a message with the change that came before it. */
  private upToDate(m: Message): Message {
    const c = this.lateChanges.get(m.seq);
    this.lateChanges.delete(m.seq);
    return c ? changed(m, c) : m;
  }

  /** drain shows what was held and is next now. */
  private drain(): void {
    for (let m = this.ahead.get(this.next); m; m = this.ahead.get(this.next)) {
      this.ahead.delete(m.seq);
      this.append(m);
    }
    for (const seq of this.ahead.keys()) if (seq < this.next) this.ahead.delete(seq);
  }

  /** takeChange takes a change of an older message. */
  takeChange(c: Change): void {
    const rev = big(c.rev);
    if (rev < 1n) return;
    this.raise(0n, rev);
    if (this.fresh && rev <= this.rev) return;
    if (this.fresh && rev === this.rev + 1n) {
      this.apply(c);
      this.drainChanges();
    } else if (this.aheadChanges.size < maxAhead) {
      this.aheadChanges.set(rev, c);
    }
  }

  private drainChanges(): void {
    for (let c = this.aheadChanges.get(this.rev + 1n); c; c = this.aheadChanges.get(this.rev + 1n)) {
      const before = this.rev;
      this.apply(c);
      if (this.rev === before) break;
      this.aheadChanges.delete(this.rev);
    }
    for (const rev of this.aheadChanges.keys()) if (rev <= this.rev) this.aheadChanges.delete(rev);
  }

  /** apply carries out the next change. One more than can be remembered stops the count: it is asked for again. */
  private apply(c: Change): void {
    const seq = big(c.seq);
    if (seq >= this.next || (seq < this.begin && this.olderAsked)) {
      if (!this.lateChanges.has(seq) && this.lateChanges.size >= maxAhead) return;
      this.lateChanges.set(seq, c);
    } else {
      const i = this.find(seq);
      const there = this.messages[i];
      if (there?.seq === seq && changed(there, c) !== there) this.replace(i, changed(there, c));
    }
    this.rev = big(c.rev);
  }

  /** gotPage takes the newest messages: the window is they, and what came since. */
  gotPage(res: GetMessagesResponse): void {
    const list = (res.messages ?? []).map(messageOf);
    const head = big(res.headSeq);
    const known = new Map(this.messages.map((m) => [m.seq, m.requestId]));
    const before = this.next;
    this.messages = list.map((m) => (m.requestId ? m : { ...m, requestId: known.get(m.seq) ?? '' }));
    this.begin = list[0]?.seq ?? max(big(res.firstSeq), head + 1n);
    this.next = (list.at(-1)?.seq ?? this.begin - 1n) + 1n;
    this.top = res.more !== true;
    this.rev = big(res.headRev);
    this.fresh = true;
    this.made++;
    this.olderAsked = false;
    this.lateChanges.clear();
    this.raise(head, this.rev);
    for (const m of this.messages) if (m.seq >= before) this.shown(m);
    this.progressed(this.next > before || this.next > this.head, head);
    this.drain();
    this.drainChanges();
  }

  /** gotAfter takes a page of what was missing from next on. */
  gotAfter(res: GetMessagesResponse): void {
    const before = this.next;
    const first = big(res.firstSeq);
    if (first > this.next) {
      // What is below is not there for the user any more.
      this.messages = [];
      this.begin = this.next = first;
    }
    for (const wire of res.messages ?? []) {
      const m = messageOf(wire);
      if (m.seq > this.next) this.next = m.seq; // a hole that the server has too
      this.take(m, true);
    }
    this.drain();
    this.raise(big(res.headSeq), big(res.headRev));
    this.progressed(this.next > before || this.next > this.head, big(res.headSeq));
    this.drainChanges();
  }

  /** gotChanges takes a page of changes. */
  gotChanges(res: GetChangesResponse): void {
    this.raise(0n, big(res.headRev));
    if (big(res.refetchFrom) > 0n) return this.renew();
    const before = this.rev;
    for (const c of res.changes ?? []) {
      if (big(c.rev) > this.rev + 1n) this.rev = big(c.rev) - 1n; // a hole that the server has too
      this.takeChange(c);
    }
    if (this.rev > before || this.rev >= this.headRev) this.fruitless = 0;
    else if (++this.fruitless >= 6 && !res.changes?.length) {
      this.headRev = max(big(res.headRev), this.rev);
      this.aheadChanges.clear();
      this.fruitless = 0;
    }
  }

  /** progressed gives up what was announced and is not there. */
  private progressed(good: boolean, head: bigint): void {
    if (good) this.fruitless = 0;
    else if (++this.fruitless >= 6) {
      this.head = max(head, this.next - 1n);
      for (const seq of this.ahead.keys()) if (seq > this.head) this.ahead.delete(seq);
      this.fruitless = 0;
    }
  }

  /** askOlder is called before the page above is asked for: from here on changes of it are remembered. */
  askOlder(): void {
    this.olderAsked = true;
  }

  /** endOlder forgets them. */
  endOlder(): void {
    this.olderAsked = false;
    for (const seq of this.lateChanges.keys()) if (seq < this.next) this.lateChanges.delete(seq);
  }

  /** gotOlder takes the page above, and says whether it brought anything. */
  gotOlder(res: GetMessagesResponse): boolean {
    const list = (res.messages ?? []).map(messageOf).filter((m) => m.seq < this.begin);
    this.messages = [...list.map((m) => this.upToDate(m)), ...this.messages];
    this.begin = list[0]?.seq ?? this.begin;
    this.top = res.more !== true || list.length === 0;
    this.wide = this.messages.length + 1000;
    this.endOlder();
    return list.length > 0;
  }

  /** trim keeps the newest n. */
  trim(n: number): void {
    if (this.messages.length <= n) return;
    this.messages = this.messages.slice(-n);
    this.begin = this.messages[0]!.seq;
    this.top = false;
  }

  /** unreadFrom counts the messages from seq on that count; undefined when they are not all here. */
  unreadFrom(seq: bigint, count: (m: Message) => boolean): number | undefined {
    if (!this.fresh || this.next <= this.head || (seq < this.begin && !this.top)) return undefined;
    let n = 0;
    for (let i = this.find(seq); i < this.messages.length; i++) if (count(this.messages[i]!)) n++;
    return n;
  }
}
