// All conversations, and how a page sees them.

import { Conversation, largestTold } from './conversation.ts';
import type { Line, Talk } from './model.ts';
import type { Parts } from './parts.ts';

/** recent is how many conversations that nobody looks at any more keep their lines, and keptOfRecent how many of them. */
const recent = 20;
const keptOfRecent = 100;

/** most is how many lines one that is looked at keeps, above what was asked for by scrolling. */
const most = 2000;

/** Book has the conversations. Of a thousand it knows levels and last lines; lines only of those that are, or were lately, looked at. */
export class Book {
  private readonly p: Parts;
  private readonly all = new Map<string, Conversation>();
  private talks: readonly Talk[] | undefined;
  private readonly talkOf = new Map<string, Talk>();
  private readonly linesOf = new Map<string, readonly Line[]>();
  private recently: string[] = [];

  constructor(p: Parts) {
    this.p = p;
  }

  get(id: string): Conversation | undefined {
    return this.all.get(id);
  }

  values(): Iterable<Conversation> {
    return this.all.values();
  }

  /** of returns the conversation of an id, and makes it when it is new. */
  of(id: string): Conversation {
    let c = this.all.get(id);
    if (!c) {
      c = new Conversation(id, () => this.p.session.me);
      this.all.set(id, c);
    }
    return c;
  }

  clear(): void {
    this.all.clear();
    this.recently = [];
    this.talks = undefined;
    this.talkOf.clear();
    this.linesOf.clear();
    this.p.bell.ring('conversations', undefined);
  }

  /** only takes that these are all there are, as of a frame. */
  only(seen: ReadonlySet<string>, since: number): void {
    for (const c of this.all.values()) {
      if (seen.has(c.id) || c.isLeft || (c.type === 'room' && c.looked)) continue;
      if (c.touched > since)
        c.doubt(this.p.frames.n); // it may have been made since
      else c.leave();
      this.changed(c);
      this.p.repair.attend(c);
    }
  }

  /** hasQuiet says that there are conversations whose messages may not be pushed. */
  hasQuiet(): boolean {
    for (const c of this.all.values()) {
      if (c.isListed && (c.type === 'room' ? !c.looked : c.members > largestTold)) return true;
    }
    return false;
  }

  /** look gives a conversation lines; lookAway takes them from the one that was looked at longest ago. */
  look(c: Conversation): void {
    c.looked = true;
    c.hold();
    this.recently = this.recently.filter((id) => id !== c.id);
  }

  lookAway(c: Conversation): void {
    c.looked = false;
    this.recently = [...this.recently.filter((id) => id !== c.id), c.id];
    c.window?.trim(keptOfRecent);
    for (const id of this.recently.splice(0, this.recently.length - recent)) {
      const old = this.all.get(id);
      if (old) delete old.window;
      this.linesOf.delete(id);
    }
    this.changed(c);
  }

  /** changed tells of a conversation. */
  changed(c: Conversation): void {
    const bound = c.looked ? Math.max(most, c.window?.wide ?? 0) : keptOfRecent;
    if (c.window && c.window.messages.length > bound * 1.25) c.window.trim(bound);
    const before = this.talkOf.get(c.id);
    const now = this.talk(c.id);
    if (before !== now) {
      this.talks = undefined;
      this.p.bell.ring('conversations', undefined);
    }
    if (c.window) this.linesChanged(c.id);
    this.p.status.touch();
  }

  /** named tells that names of users are there. */
  named(): void {
    for (const c of this.all.values()) {
      if (c.type === 'direct' && this.talkOf.get(c.id) !== this.talk(c.id)) {
        this.talks = undefined;
        this.p.bell.ring('conversations', undefined);
      }
    }
  }

  /** linesChanged tells of lines, if they are others. */
  linesChanged(id: string): void {
    const before = this.linesOf.get(id);
    if (before !== this.lines(id) || !before) this.p.bell.ring('lines', id);
  }

  /** list is the user's conversations, the one with the newest message first. */
  list(): readonly Talk[] {
    if (!this.talks) {
      const listed: { talk: Talk; at: number }[] = [];
      for (const c of this.all.values()) {
        const talk = c.isListed && this.talk(c.id);
        if (talk) listed.push({ talk, at: c.preview?.sentAt || c.createdAt });
      }
      listed.sort((a, b) => b.at - a.at || (a.talk.id < b.talk.id ? 1 : -1));
      this.talks = listed.map((l) => l.talk);
    }
    return this.talks;
  }

  /** talk is one conversation: the same object until it is another one. */
  talk(id: string): Talk | undefined {
    const c = this.all.get(id);
    if (!c?.described || !c.type) return undefined;
    const talk: Talk = {
      id,
      type: c.type,
      name: c.type === 'direct' ? this.p.people.nameOf(c.peer) : c.name,
      ...(c.peer ? { peer: c.peer } : {}),
      unread: c.unread,
      ...(c.preview ? { preview: c.preview } : {}),
      members: c.members,
      role: c.isLeft ? 'none' : c.role,
      complete: !c.window || !c.wanted || c.window.want() === undefined,
      seq: c.head,
      readSeq: c.readSeq,
    };
    const before = this.talkOf.get(id);
    if (before && same(before, talk)) return before;
    this.talkOf.set(id, talk);
    return talk;
  }

  /** lines are the stored and the unsent ones: the same list until it is another one. */
  lines(id: string): readonly Line[] {
    const c = this.all.get(id);
    const lines = [...(c?.stored() ?? []), ...this.p.outbox.lines(id)];
    const before = this.linesOf.get(id);
    if (before && before.length === lines.length && before.every((l, i) => l === lines[i])) return before;
    this.linesOf.set(id, lines);
    return lines;
  }
}

function same(a: Talk, b: Talk): boolean {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof Talk>;
  for (const k of keys) if (a[k] !== b[k]) return false;
  return true;
}
