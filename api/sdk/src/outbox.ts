// Messages that wait for an answer, kept in storage until there is one.

import type { Conversation } from './conversation.ts';
import { type ParleyError, parleyError } from './error.ts';
import { newId } from './id.ts';
import type { UnsentLine } from './model.ts';
import { Pace } from './pace.ts';
import type { Parts } from './parts.ts';
import { Tabs } from './tabs.ts';

/** maxFlying bounds the tries under way, each of another conversation. */
const maxFlying = 16;

/** maxUnsent bounds what waits; a further message fails at once. */
const maxUnsent = 1000;

/** maxText is how long a text may be, in bytes. */
const maxText = 16_384;

/** Unsent is a message as it is stored, under its key, which is its requestId. */
interface Unsent {
  key: string;
  conversation: string;
  text: string;
  /** at orders messages. */
  at: number;
  /** tab is the one that sends it. */
  tab: string;
  /** ticket is of a picture whose bytes the server has; name is what its file is called. */
  ticket?: string;
  name?: string;
  failed?: { reason: string; message: string };
}

interface Entry extends Unsent {
  line: UnsentLine;
  blob?: Blob;
  url?: string;
  flying?: boolean;
  notBefore: number;
  within: number;
  pace: Pace;
  /** acked is its number, when it is stored but its place among the lines is not there yet. */
  acked?: bigint;
}

/**
 * Outbox sends each message with one requestId until it is answered for good: after a lost
 * conn, a time-out and a temporary error it goes again, and the server stores it once.
 * Messages of a conversation go one after the other. What a closed tab left is sent by the
 * next one that looks; if two should ever send the same, it is the same message.
 */
export class Outbox {
  private readonly p: Parts;
  private readonly tabs: Tabs;
  private entries: Entry[] = [];
  private last = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(p: Parts) {
    this.p = p;
    this.tabs = new Tabs(p.env.store, () => this.takeOver());
  }

  /** pending is how many wait for an answer. */
  get pending(): number {
    return this.entries.filter((e) => !e.failed && e.acked === undefined).length;
  }

  /** load takes up what closed tabs left. */
  load(): void {
    this.takeOver();
    this.tabs.watch();
  }

  /** clear forgets what is in memory; wipe also what is stored, of all tabs. */
  clear(): void {
    for (const e of this.entries) if (e.url) URL.revokeObjectURL(e.url);
    this.entries = [];
    this.tabs.stop();
    clearTimeout(this.timer);
  }

  wipe(): void {
    for (const key of this.p.env.store.keys(this.place(''))) this.p.env.store.remove(key);
  }

  private place(key: string): string {
    return `unsent.${this.p.session.me}.${key}`;
  }

  private takeOver(): void {
    const { env, book, status } = this.p;
    if (!this.p.session.me) return;
    for (const place of env.store.keys(this.place(''))) {
      const u = env.store.read<Unsent>(place);
      if (!u?.key || !u.conversation || typeof u.text !== 'string' || place !== this.place(u.key)) continue;
      if (this.entries.some((e) => e.key === u.key) || (u.tab !== this.tabs.own && this.tabs.lives(u.tab ?? ''))) continue;
      this.add({ ...u, key: u.key, conversation: u.conversation, text: u.text, at: Number(u.at) || 0, tab: this.tabs.own });
      this.p.bell.ring('lines', u.conversation);
    }
    for (const id of new Set(this.entries.map((e) => e.conversation))) book.linesChanged(id);
    status.touch();
    this.post();
  }

  private add(u: Unsent, blob?: Blob): Entry {
    const e: Entry = { ...u, notBefore: 0, within: 5000, pace: new Pace(this.p.env.random), line: undefined as never };
    if (blob) {
      e.blob = blob;
      e.url = URL.createObjectURL(blob);
    }
    this.last = Math.max(this.last, e.at);
    const later = this.entries.findIndex((o) => o.at > e.at);
    this.entries.splice(later < 0 ? this.entries.length : later, 0, e);
    this.tell(e);
    this.save(e);
    return e;
  }

  /** save stores a message. A picture that was not uploaded yet is not: its bytes would be lost. */
  private save(e: Entry): void {
    if (e.name !== undefined && !e.ticket) return;
    const { key, conversation, text, at, tab, ticket, name, failed } = e;
    this.tabs.mark();
    this.p.env.store.write(this.place(key), { key, conversation, text, at, tab, ticket, name, failed });
  }

  /** tell makes the line of an entry anew. */
  private tell(e: Entry): void {
    e.line = {
      state: e.failed ? 'failed' : 'pending',
      key: e.key,
      text: e.text,
      kind: e.name === undefined ? 'text' : 'image',
      mine: true,
      ...e.failed,
      ...(e.name === undefined ? {} : { image: e.url ?? '', name: e.name }),
    };
  }

  /** send puts a text among what waits. */
  send(conversation: string, text: string): void {
    this.put(conversation, { text });
  }

  /** sendImage does so with a picture. */
  sendImage(conversation: string, file: Blob & { name?: string }): void {
    this.put(conversation, { text: '', name: file.name ?? '' }, file);
  }

  private put(conversation: string, what: { text: string; name?: string }, blob?: Blob): void {
    if (!this.p.session.me || (!blob && what.text.trim() === '')) return;
    const at = Math.max(this.p.env.now(), this.last + 1);
    const u: Unsent = { ...what, key: newId(), conversation, at, tab: this.tabs.own };
    if (new TextEncoder().encode(what.text).length > maxText) u.failed = { reason: 'TOO_LARGE', message: 'the text is too long' };
    else if (this.entries.length >= maxUnsent) u.failed = { reason: 'OVERLOADED', message: 'too many messages wait' };
    const e = this.add(u, blob);
    if (e.failed) this.p.bell.ring('failed', { conversation, key: e.key, ...e.failed });
    this.p.marks.quietOwn(conversation);
    this.changed(conversation);
    this.post();
  }

  /** again tries one that failed once more. */
  again(conversation: string, key: string): void {
    const e = this.find(conversation, key);
    if (!e?.failed) return;
    if (e.name !== undefined && !e.ticket && !e.blob) return; // its bytes are gone
    if (e.failed.reason === 'CONFLICT') {
      // The id belongs to another message: this one needs another.
      this.p.env.store.remove(this.place(key));
      e.key = newId();
    }
    delete e.failed;
    e.notBefore = 0;
    this.tell(e);
    this.save(e);
    this.changed(conversation);
    this.post();
  }

  /** drop throws one away. */
  drop(conversation: string, key: string): void {
    const e = this.find(conversation, key);
    if (e) this.remove(e);
  }

  private find(conversation: string, key: string): Entry | undefined {
    return this.entries.find((e) => e.key === key && e.conversation === conversation);
  }

  private remove(e: Entry): void {
    this.p.env.store.remove(this.place(e.key));
    this.entries = this.entries.filter((o) => o !== e);
    if (e.url) URL.revokeObjectURL(e.url);
    if (this.entries.length === 0) this.tabs.unmark();
    this.changed(e.conversation);
    this.post();
  }

  private changed(conversation: string): void {
    this.p.book.linesChanged(conversation);
    this.p.status.touch();
  }

  /** settle takes that a message is stored, under which number. Its line stays until it is among the stored ones. */
  settle(c: Conversation, key: string, seq: bigint): void {
    const e = this.find(c.id, key);
    if (!e) return this.p.env.store.remove(this.place(key)); // another tab's, or late
    if (e.blob) this.p.images.seed(c.id, seq, e.blob);
    if (c.window && c.wanted && !(c.window.fresh && c.window.next > seq)) {
      e.acked = seq;
      this.p.env.store.remove(this.place(key));
      this.changed(c.id);
      return this.post();
    }
    this.remove(e);
  }

  /** settleByKey takes that a message was found among those that are stored. */
  settleByKey(key: string): void {
    const e = this.entries.find((o) => o.key === key);
    if (e) this.remove(e);
  }

  /** lines are those of a conversation. */
  lines(conversation: string): UnsentLine[] {
    const w = this.p.book.get(conversation)?.window;
    const isShown = (e: Entry) => e.acked !== undefined && (!w || (w.fresh && w.next > e.acked));
    if (this.entries.some((e) => e.conversation === conversation && isShown(e))) {
      this.entries = this.entries.filter((e) => e.conversation !== conversation || !isShown(e));
      if (this.entries.length === 0) this.tabs.unmark();
    }
    return this.entries.filter((e) => e.conversation === conversation).map((e) => e.line);
  }

  /** post sends what it is time for: of each conversation the first that waits. */
  post(): void {
    clearTimeout(this.timer);
    if (!this.p.link.live) return;
    const now = this.p.env.now();
    const seen = new Set<string>();
    let flying = this.entries.filter((e) => e.flying).length;
    let next = Infinity;
    for (const e of this.entries) {
      if (e.failed || e.acked !== undefined || seen.has(e.conversation)) continue;
      seen.add(e.conversation);
      if (e.flying) continue;
      if (e.notBefore > now && e.notBefore - now < 600_000) next = Math.min(next, e.notBefore);
      else if (flying++ < maxFlying) void this.try(e);
    }
    if (next < Infinity) this.timer = setTimeout(() => this.post(), Math.max(1, next - now));
  }

  /** try sends a message once. What a good answer says is taken by take.ts, also when it comes too late. */
  private async try(e: Entry): Promise<void> {
    const socket = this.p.link.socket!;
    e.flying = true;
    try {
      if (e.name !== undefined && !e.ticket) {
        e.ticket = await this.p.images.upload(e.conversation, e.blob!, e.name);
        if (!this.entries.includes(e)) return;
        this.save(e);
      }
      const what = e.ticket ? { image: e.ticket } : { text: e.text };
      await socket.call('sendMessage', { conversation: e.conversation, requestId: e.key, ...what }, e.within);
      e.flying = false;
    } catch (error) {
      e.flying = false;
      if (this.entries.includes(e) && e.acked === undefined) this.failed(e, parleyError(error));
    }
    this.post();
  }

  private failed(e: Entry, error: ParleyError): void {
    const now = this.p.env.now();
    if (error.unanswered) {
      if (error.reason === 'DEADLINE_EXCEEDED') e.within = Math.min(2 * e.within, 40_000);
      if (error.reason === 'UNAVAILABLE' && this.p.link.live) e.notBefore = now + e.pace.next(); // an upload that reached nobody
      return;
    }
    if (error.reason === 'UNAUTHENTICATED') void this.p.sync.renew();
    if (error.temporary || error.reason === 'UNAUTHENTICATED') {
      e.notBefore = now + e.pace.next(error.retryAfterMs);
      return;
    }
    e.failed = { reason: error.reason, message: error.message };
    if (e.blob) delete e.ticket; // it may have ended: another try uploads anew
    this.tell(e);
    this.save(e);
    this.p.bell.ring('failed', { conversation: e.conversation, key: e.key, ...e.failed });
    this.changed(e.conversation);
  }
}
