// One conversation: how far it has come, what is unread, who types. Its lines are in its
// window, if it has one.

import type { Change, Head, Conversation as Wire } from './chat.ts';
import { big, max } from './id.ts';
import { changed, counts, lineOf, type Message, madeAt, previewOf, readPreview } from './message.ts';
import type { Line, StoredLine, TalkPreview, TalkRole, TalkType } from './model.ts';
import { Window } from './window.ts';

/** page is how many messages are fetched for a screen. */
export const page = 50;

/** largestTold is up to how many members the marks and presence of others are told. */
export const largestTold = 200;

/** lastsTyping is how long somebody types without saying so again, in ms. */
export const lastsTyping = 6000;

/** maxReads bounds the marks of others that are kept, and those who type. */
const maxReads = 1024;

const types: Record<string, TalkType> = {
  CONVERSATION_TYPE_DIRECT: 'direct',
  CONVERSATION_TYPE_GROUP: 'group',
  CONVERSATION_TYPE_ROOM: 'room',
};
const roles: Record<string, TalkRole> = { ROLE_MEMBER: 'member', ROLE_OWNER: 'owner' };

/**
 * Conversation keeps levels of one conversation. A level that answers a call made before
 * something else was told is not newer than that: hence the numbers called since, which
 * count frames.
 */
export class Conversation {
  readonly id: string;
  type?: TalkType;
  /** described: its name and who is in it are known. */
  described = false;
  name = '';
  peer = '';
  members = 0;
  role: TalkRole = 'none';
  createdAt = 0;
  preview?: TalkPreview;
  /** isLeft: the user is in it no more. A room may be looked at all the same. */
  isLeft = false;
  /** known: a head of the user's own has come. */
  known = false;
  /** stale is the frame after which something about it became doubtful that getConversation tells; 0: nothing is. */
  stale = 0;
  /** touched is the frame in which something was last told of it alone. */
  touched = 0;
  /** looked: a page looks at it. conn is the conn that was told so. */
  looked = false;
  conn = 0;
  readSeq = 0n;
  head = 0n;
  headRev = 0n;
  window?: Window;
  /** reads are the marks of others, another map whenever they change. */
  reads: ReadonlyMap<string, bigint> = new Map();
  readonly typing = new Map<string, number>();

  /** said: of the messages up to seq so many are unread; those in after are not among them. */
  private said = { seq: 0n, unread: 0 };
  private readonly after = new Map<bigint, boolean>();
  private readonly me: () => string;
  private previewRev = 0n;
  private lines?: { of: readonly Message[]; lines: readonly StoredLine[] };

  constructor(id: string, me: () => string) {
    this.id = id;
    this.me = me;
  }

  /** wanted says that everything that is stored is to be in the window: what a room says comes only to those who look. */
  get wanted(): boolean {
    return this.type === 'room' ? this.looked && this.conn > 0 : !this.isLeft;
  }

  /** isListed says that it is one of the user's. */
  get isListed(): boolean {
    return !this.isLeft && this.described && (this.type !== 'room' || this.role !== 'none');
  }

  /** adopt takes the conversation as the user sees it. */
  adopt(c: Wire, since: number): void {
    this.describe(c);
    this.role = roles[c.role ?? ''] ?? 'none';
    if (c.head) this.takeHead(c.head, since);
    if (this.type === 'room' && this.role === 'none') this.isLeft = true;
    const p = c.preview && readPreview(c.preview);
    if (p && p.seq >= (this.preview?.seq ?? 0n) && !(this.window?.fresh && this.window.get(p.seq))) {
      this.preview = p;
      this.previewRev = big(c.head?.rev);
    }
    if (this.stale <= since) this.stale = 0;
  }

  /** describe takes what is the same for everybody. */
  describe(c: Wire): void {
    this.described = true;
    this.type = types[c.type ?? ''] ?? this.type ?? 'group';
    this.name = c.name || this.name;
    this.peer = c.peer || this.peer;
    this.members = c.members ?? 0;
    this.createdAt = madeAt(c) || this.createdAt;
  }

  /** doubt makes it be asked for. */
  doubt(frame: number): void {
    this.stale = Math.max(frame, 1);
  }

  /** takeHead takes a head of the user's own. */
  takeHead(h: Head, since: number): void {
    const kind = types[h.type ?? ''];
    if (kind) this.type ??= kind;
    this.known = true;
    if (h.left === true) {
      if (this.touched > since && !this.isLeft) this.doubt(this.touched);
      this.leave();
      return;
    }
    if (this.isLeft && this.type !== 'room') this.window?.renew(); // in it again, and perhaps from another message on
    this.isLeft = false;
    if (this.type === 'room' && this.role === 'none') this.role = 'member';
    this.raise(big(h.seq), big(h.rev));
    this.readSeq = max(this.readSeq, big(h.readSeq));
    if (big(h.seq) >= this.said.seq) this.says(big(h.seq), Number(big(h.unread)));
    this.recount();
  }

  /** raise notes how far it has come. */
  raise(seq: bigint, rev: bigint): void {
    this.head = max(this.head, seq);
    this.headRev = max(this.headRev, rev);
    this.window?.raise(seq, rev);
  }

  /** leave takes it from those whose messages come. */
  leave(): void {
    this.isLeft = true;
    if (this.type === 'room') this.role = 'none';
    this.typing.clear();
  }

  /** take takes a message, however it came. */
  take(m: Message, fetched = false): void {
    if (m.seq < 1n) return;
    this.raise(m.seq, 0n);
    if (this.window && (this.wanted || fetched)) this.window.take(m, fetched);
    this.note(m);
  }

  /** note counts a message, and makes it the last one. */
  note(m: Message): void {
    this.typing.delete(m.sender);
    // Who writes has read what was there: no mark of theirs is told for it.
    if (this.tellsMarks && m.sender !== this.me() && counts(m)) this.readBy(m.sender, m.seq);
    if (m.seq > (this.preview?.seq ?? 0n) || (m.seq === this.preview?.seq && m.rev > this.previewRev)) {
      this.preview = previewOf(m);
      this.previewRev = m.rev;
    }
    if (m.seq <= this.said.seq) return;
    if (this.after.size < maxReads) this.after.set(m.seq, counts(m) && m.sender !== this.me());
    if (m.sender === this.me() && counts(m)) this.readTo(m.seq); // as the server does
    for (let next = this.said.seq + 1n; this.after.has(next); next++) {
      if (this.after.get(next) && next > this.readSeq) this.said.unread++;
      this.after.delete(next);
      this.said.seq = next;
    }
    this.recount();
  }

  /** takeChange takes a change of an older message. */
  takeChange(c: Change): void {
    this.raise(0n, big(c.rev));
    if (this.wanted) this.window?.takeChange(c);
    const p = this.preview;
    if (!p || p.seq !== big(c.seq) || big(c.rev) <= this.previewRev) return;
    this.previewRev = big(c.rev);
    this.preview = previewOf(changed({ ...p, rev: 0n, edited: false, users: [], requestId: '' }, c));
  }

  private says(seq: bigint, unread: number): void {
    this.said = { seq, unread };
    for (const old of this.after.keys()) if (old <= seq) this.after.delete(old);
  }

  /** readTo moves the user's mark, which never falls. */
  readTo(seq: bigint): void {
    if (seq <= this.readSeq) return;
    this.readSeq = seq;
    if (seq >= this.said.seq) this.said.unread = 0;
    this.recount();
  }

  /** readIs takes what a mark is said to leave unread; it does not say of how many messages, and so may be one that is stale. */
  readIs(seq: bigint, unread: number, frame: number): void {
    if (seq < this.readSeq) return;
    this.readSeq = seq;
    this.said.unread = unread;
    if (!this.recount()) this.doubt(frame);
  }

  /** recount counts what is unread, where everything that may be is here. */
  private recount(): boolean {
    const n = this.window?.unreadFrom(this.readSeq + 1n, (m) => counts(m) && m.sender !== this.me());
    if (n !== undefined) this.says(this.head, n);
    else if (this.readSeq >= this.head) this.says(this.head, 0);
    else return false;
    return true;
  }

  /** unread is how many messages that count are behind the mark. */
  get unread(): number {
    if (this.isLeft) return 0;
    let n = this.said.unread;
    for (const [seq, counting] of this.after) if (counting && seq > this.readSeq) n++;
    return n;
  }

  /** tellsMarks says that the server tells how far others have read here. */
  get tellsMarks(): boolean {
    return this.type !== 'room' && this.members <= largestTold;
  }

  /** readBy takes another's mark. */
  readBy(user: string, seq: bigint): void {
    if (seq <= (this.reads.get(user) ?? -1n) || (!this.reads.has(user) && this.reads.size >= maxReads)) return;
    this.reads = new Map(this.reads).set(user, seq);
  }

  /** hear takes that somebody types, and says whether that is news. */
  hear(user: string, typing: boolean, now: number): boolean {
    const before = this.typing.has(user);
    if (!typing) this.typing.delete(user);
    else if (before || this.typing.size < maxReads) this.typing.set(user, now + lastsTyping);
    return before !== typing;
  }

  /** hold gives it a window. */
  hold(): Window {
    if (!this.window) {
      this.window = new Window((m) => this.note(m));
      this.window.raise(this.head, this.headRev);
    }
    return this.window;
  }

  /** stored are its lines that are stored: the same objects where nothing changed. */
  stored(): readonly Line[] {
    const of = this.window?.messages ?? [];
    if (this.lines?.of === of) return this.lines.lines;
    const old = new Map<Message, StoredLine>();
    this.lines?.of.forEach((m, i) => {
      old.set(m, this.lines!.lines[i]!);
    });
    const lines = of.map((m) => old.get(m) ?? lineOf(m, this.me()));
    this.lines = { of, lines };
    return lines;
  }
}
