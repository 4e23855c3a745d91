// A chat in memory that speaks the protocol: every rule of it that the client relies on,
// and every fault that may happen.

import type { Change, Conversation, Head, Message, User } from '../src/chat.ts';
import { big } from '../src/id.ts';

/** Refusal is an error of the server. */
export class Refusal {
  readonly reason: string;
  readonly temporary: boolean;
  readonly retryAfterMs: number;
  constructor(reason: string, temporary = false, retryAfterMs = 0) {
    this.reason = reason;
    this.temporary = temporary;
    this.retryAfterMs = retryAfterMs;
  }
}

interface Talk {
  id: string;
  type: 'DIRECT' | 'GROUP' | 'ROOM';
  name: string;
  members: Set<string>;
  messages: Message[];
  changes: Change[];
  reads: Map<string, bigint>;
  from: Map<string, bigint>;
  first: bigint;
}

type Params = Record<string, unknown> & { conversation?: string };

/** Conn is the server's side of a socket. */
export interface Conn {
  url: string;
  user: string;
  access: string;
  opened: Set<string>;
  write(frame: unknown): void;
  close(code: number, reason: string): void;
}

/** Call is a call as the server saw it. */
export interface Call {
  method: string;
  params: Params;
  conn?: Conn;
  at: number;
}

const base = Date.UTC(2026, 10, 28);

/** ChatServer is all gateways, workers, and api. */
export class ChatServer {
  readonly users = new Map<string, User>();
  readonly talks = new Map<string, Talk>();
  readonly conns = new Set<Conn>();
  readonly calls: Call[] = [];
  readonly pushes: { conn: Conn; method: string; params: unknown }[] = [];
  /** answers may refuse a call, or carry it out and be silent: each is used once. */
  readonly faults: ((c: Call) => Refusal | 'silent' | 'lost' | undefined)[] = [];
  /** down are gateways that refuse; hung ones take no handshake; deaf: what is written goes nowhere, both ways. */
  readonly down = new Set<string>();
  readonly hung = new Set<string>();
  deaf = false;
  /** apiDown: HTTP reaches nobody. */
  apiDown = false;
  gateways = ['ws://a:8282/', 'ws://b:8283/'];
  heartbeatSeconds = 25;
  pageOfHeads = 1000;
  tokenLife = 15 * 60_000;
  /** muted: what is stored is pushed to nobody. */
  muted = false;
  looks = 0;
  private readonly access = new Map<string, { user: string; sign: string; ends: number }>();
  private readonly refreshes = new Map<string, { sign: string; user: string; usedBy?: string; next?: string }>();
  private readonly revoked = new Set<string>();
  private readonly requests = new Map<string, Message>();
  private n = 0;
  /** now is the server's clock. */
  now: () => number;

  constructor(now: () => number) {
    this.now = now;
  }

  user(name: string, displayName = ''): string {
    const id = `u-${name}`;
    this.users.set(id, { id, name, ...(displayName ? { displayName } : {}) });
    return id;
  }

  talk(id: string, type: Talk['type'], members: string[], name = ''): Talk {
    const t: Talk = {
      id,
      type,
      name,
      members: new Set(members),
      messages: [],
      changes: [],
      reads: new Map(),
      from: new Map(),
      first: 1n,
    };
    this.talks.set(id, t);
    return t;
  }

  /** say stores a message of another and pushes it. */
  say(id: string, sender: string, text: string, more: Partial<Message> = {}, except?: Conn): Message {
    const t = this.talks.get(id)!;
    const m: Message = {
      conversation: id,
      seq: String(t.first + BigInt(t.messages.length)),
      sender,
      kind: 'MESSAGE_KIND_TEXT',
      text,
      sentAt: new Date(base + ++this.n * 1000).toISOString(),
      ...more,
    };
    t.messages.push(m);
    if (t.members.has(sender)) t.reads.set(sender, big(m.seq));
    if (!this.muted) this.pushTo(t, 'message', { message: m }, except);
    return m;
  }

  /** change edits or recalls a message and pushes that. */
  change(id: string, seq: bigint, text: string | undefined, except?: Conn): Change {
    const t = this.talks.get(id)!;
    const i = t.messages.findIndex((m) => big(m.seq) === seq);
    const rev = String(t.changes.length + 1);
    const kind = text === undefined ? 'CHANGE_KIND_RECALLED' : 'CHANGE_KIND_EDITED';
    const c: Change = { conversation: id, rev, seq: String(seq), kind, actor: t.messages[i]!.sender!, ...(text ? { text } : {}) };
    t.messages[i] = { ...t.messages[i]!, rev, text: text ?? '', recalled: text === undefined };
    t.changes.push(c);
    if (!this.muted) this.pushTo(t, 'messageChanged', { change: c }, except);
    return c;
  }

  pushTo(t: Talk, method: string, params: unknown, except?: Conn): void {
    for (const c of this.conns) {
      if (c === except || !c.user) continue;
      if (t.type === 'ROOM' ? c.opened.has(t.id) : t.members.has(c.user)) this.push(c, method, params);
    }
  }

  push(c: Conn, method: string, params: unknown): void {
    this.pushes.push({ conn: c, method, params });
    c.write({ jsonrpc: '2.0', method, params });
  }

  /** end ends all conns. */
  end(code: number, reason = ''): void {
    for (const c of [...this.conns]) c.close(code, reason);
  }

  count(method: string): number {
    return this.calls.filter((c) => c.method === method).length;
  }

  /** carryOut is the answer to a call; 'silent': none, though it was carried out; 'lost': none, and it was not. */
  carryOut(method: string, params: Params, conn?: Conn, bearer = ''): { result: unknown } | { error: Refusal } | 'silent' {
    const call: Call = { method, params, at: this.now(), ...(conn ? { conn } : {}) };
    this.calls.push(call);
    let fault: Refusal | 'silent' | 'lost' | undefined;
    for (let i = 0; i < this.faults.length && !fault; i++) {
      fault = this.faults[i]!(call);
      if (fault) this.faults.splice(i, 1);
    }
    if (fault === 'lost') return 'silent';
    if (fault instanceof Refusal) return { error: fault };
    try {
      const result = this.method(method, params, conn, bearer);
      return fault === 'silent' ? 'silent' : { result: JSON.parse(JSON.stringify(result)) };
    } catch (e) {
      if (e instanceof Refusal) return { error: e };
      throw e;
    }
  }

  private method(method: string, params: Params, conn: Conn | undefined, bearer: string): unknown {
    switch (method) {
      case 'getServer':
        return { guests: true };
      case 'signIn': {
        const u = [...this.users.values()].find((x) => x.name === params.name);
        if (!u || params.password !== 'secret') throw new Refusal('UNAUTHENTICATED');
        return { user: u, tokens: this.tokens(u.id!, `sign-${++this.n}`) };
      }
      case 'refresh':
        return this.refresh(String(params.refresh), String(params.requestId));
      case 'signOut':
        this.revoked.add(this.refreshes.get(String(params.refresh))?.sign ?? '');
        return {};
      case 'openSession': {
        const user = this.who(String(params.token));
        conn!.user = user;
        conn!.access = String(params.token);
        const ends = this.access.get(conn!.access)!.ends;
        return {
          user: this.users.get(user),
          heartbeatSeconds: this.heartbeatSeconds,
          tokenExpiresAt: new Date(ends).toISOString(),
          ...this.heads(user, String(params.cursor ?? '')),
        };
      }
      case 'renew': // also when the conn's token has ended
        this.who(String(params.token));
        conn!.access = String(params.token);
        return { tokenExpiresAt: new Date(this.access.get(conn!.access)!.ends).toISOString() };
      default:
    }
    const user = this.who(conn ? conn.access : bearer);
    return this.forUser(user, method, params, conn);
  }

  private forUser(user: string, method: string, params: Params, conn: Conn | undefined): unknown {
    const t = params.conversation ? this.talks.get(params.conversation) : undefined;
    const mine = (): Talk => {
      if (!t || (t.type !== 'ROOM' && !t.members.has(user))) throw new Refusal('NOT_FOUND');
      return t;
    };
    switch (method) {
      case 'listHeads':
        return this.heads(user, String(params.cursor ?? ''));
      case 'listConversations': {
        const all = [...this.talks.values()].filter((x) => x.members.has(user)).sort((a, b) => (a.id < b.id ? -1 : 1));
        const rest = all.filter((x) => x.id > String(params.after ?? ''));
        const limit = Number(params.limit ?? 100);
        return { conversations: rest.slice(0, limit).map((x) => this.view(x, user)), more: rest.length > limit };
      }
      case 'getConversation':
        return { conversation: this.view(mine(), user) };
      case 'openConversation':
        conn!.opened.add(mine().id);
        return { conversation: this.view(mine(), user), looking: 1 };
      case 'closeConversation':
        conn!.opened.delete(params.conversation!);
        return {};
      case 'listMembers':
        return { members: [...mine().members].map((m) => ({ user: m, readSeq: String(mine().reads.get(m) ?? 0n) })) };
      case 'getMessages':
        return this.messages(mine(), params);
      case 'getChanges': {
        const after = big(params.after as string);
        const limit = Number(params.limit ?? 100);
        const rest = mine().changes.filter((c) => big(c.rev) > after);
        return { changes: rest.slice(0, limit), more: rest.length > limit, headRev: String(mine().changes.length) };
      }
      case 'sendMessage': {
        const id = `${user} ${params.requestId}`;
        const had = this.requests.get(id);
        if (had && had.text !== (params.text ?? '')) throw new Refusal('CONFLICT');
        if (had) return { message: had, duplicate: true };
        const image = params.image
          ? { kind: 'MESSAGE_KIND_IMAGE' as const, image: { type: 'image/png', width: 1, height: 1 } }
          : {};
        const m = this.say(mine().id, user, String(params.text ?? ''), { requestId: String(params.requestId), ...image }, conn);
        this.requests.set(id, m);
        return { message: m };
      }
      case 'editMessage':
        return { change: this.change(mine().id, big(params.seq as string), String(params.text), conn) };
      case 'recallMessage':
        return { change: this.change(mine().id, big(params.seq as string), undefined, conn) };
      case 'markRead': {
        const to = big(params.seq as string);
        if (to > (mine().reads.get(user) ?? 0n)) {
          mine().reads.set(user, to);
          const told = { conversation: mine().id, user, readSeq: String(to), unread: String(this.unread(mine(), user)) };
          for (const c of this.conns) if (c !== conn && c.user === user) this.push(c, 'receipt', told);
        }
        return { readSeq: String(mine().reads.get(user)), unread: String(this.unread(mine(), user)) };
      }
      case 'getUsers': {
        const found = [...this.users.values()].filter(
          (u) =>
            (params.ids as string[] | undefined)?.includes(u.id!) || (params.names as string[] | undefined)?.includes(u.name!),
        );
        return { users: found };
      }
      case 'getPresence':
        return { presences: (params.users as string[]).map((u) => ({ user: u, online: true, owner: 'w1', counter: '1' })) };
      case 'createDirect': {
        const id = `d-${[user, String(params.user)].sort().join('-')}`;
        return { conversation: this.view(this.talks.get(id) ?? this.talk(id, 'DIRECT', [user, String(params.user)]), user) };
      }
      case 'joinRoom': {
        const room = [...this.talks.values()].find((x) => x.name === params.name);
        if (!room) throw new Refusal('NOT_FOUND');
        room.members.add(user);
        return { conversation: this.view(room, user) };
      }
      case 'leaveConversation':
        mine().members.delete(user);
        return {};
      case 'setTyping':
        return {};
      default:
        throw new Refusal('UNIMPLEMENTED');
    }
  }

  private messages(t: Talk, p: Params): unknown {
    const [after, before, limit] = [big(p.after as string), big(p.before as string), Number(p.limit ?? 100)];
    const within = t.messages.filter((m) => big(m.seq) > after && (before === 0n || big(m.seq) < before));
    const list = after > 0n ? within.slice(0, limit) : within.slice(-limit);
    return {
      messages: list,
      more: within.length > list.length,
      firstSeq: String(t.first),
      headSeq: t.messages.at(-1)?.seq ?? '0',
      headRev: String(t.changes.length),
    };
  }

  private unread(t: Talk, user: string): number {
    const read = t.reads.get(user) ?? 0n;
    const counting = ['MESSAGE_KIND_TEXT', 'MESSAGE_KIND_IMAGE'];
    return t.messages.filter((m) => big(m.seq) > read && counting.includes(m.kind ?? '') && m.sender !== user).length;
  }

  head(t: Talk, user: string): Head {
    return {
      conversation: t.id,
      seq: t.messages.at(-1)?.seq ?? '0',
      rev: String(t.changes.length),
      readSeq: String(t.reads.get(user) ?? 0n),
      unread: String(this.unread(t, user)),
      fromSeq: String(t.from.get(user) ?? t.first),
      type: `CONVERSATION_TYPE_${t.type}`,
    };
  }

  view(t: Talk, user: string): Conversation {
    const last = t.messages.at(-1);
    const peer = [...t.members].find((m) => m !== user) ?? user;
    return {
      id: t.id,
      type: `CONVERSATION_TYPE_${t.type}`,
      name: t.name,
      ...(t.type === 'DIRECT' ? { peer } : {}),
      members: t.type === 'ROOM' ? 0 : t.members.size,
      role: t.members.has(user) ? 'ROLE_MEMBER' : 'ROLE_UNSPECIFIED',
      head: this.head(t, user),
      createdAt: new Date(base).toISOString(),
      ...(last
        ? { preview: { seq: last.seq!, sender: last.sender!, kind: last.kind!, text: last.text ?? '', sentAt: last.sentAt! } }
        : {}),
    };
  }

  /** heads are in pages; a cursor is "all:n" in between and the sum of what there was at the end. */
  private heads(user: string, cursor: string): object {
    this.looks++;
    const all = [...this.talks.values()].filter((t) => t.members.has(user));
    const at = /^all:(\d+)$/.exec(cursor);
    const marks = (t: Talk) => `${t.id}=${t.messages.length}/${t.changes.length}/${t.reads.get(user) ?? 0n}`;
    const now = `end:${JSON.stringify(all.map(marks))}`;
    if (cursor.startsWith('end:')) {
      const before = new Set(JSON.parse(cursor.slice(4)) as string[]);
      return { heads: all.filter((t) => !before.has(marks(t))).map((t) => this.head(t, user)), cursor: now };
    }
    const from = Number(at?.[1] ?? 0);
    const list = all.slice(from, from + this.pageOfHeads).map((t) => this.head(t, user));
    const more = from + this.pageOfHeads < all.length;
    return { heads: list, more, complete: true, cursor: more ? `all:${from + this.pageOfHeads}` : now };
  }

  private tokens(user: string, sign: string): unknown {
    const [access, refresh] = [`access-${++this.n}`, `refresh-${++this.n}`];
    this.access.set(access, { user, sign, ends: this.now() + this.tokenLife });
    this.refreshes.set(refresh, { sign, user });
    return { access, refresh, accessExpiresAt: new Date(this.now() + this.tokenLife).toISOString() };
  }

  private refresh(token: string, request: string): unknown {
    const r = this.refreshes.get(token);
    if (!r || this.revoked.has(r.sign)) throw new Refusal('UNAUTHENTICATED');
    if (r.usedBy !== undefined && r.usedBy !== request) {
      this.revoke(r.sign);
      throw new Refusal('UNAUTHENTICATED');
    }
    const duplicate = r.usedBy !== undefined;
    r.usedBy = request;
    return { user: this.users.get(r.user), tokens: this.tokens(r.user, r.sign), duplicate };
  }

  /** revoke ends a sign-in, as when a token of it comes twice. */
  revoke(sign: string): void {
    this.revoked.add(sign);
    for (const c of [...this.conns]) {
      if (this.access.get(c.access)?.sign !== sign) continue;
      this.push(c, 'sessionRevoked', {});
      c.close(4504, '');
    }
  }

  /** revokeAll ends every sign-in. */
  revokeAll(): void {
    for (const { sign } of this.access.values()) this.revoke(sign);
  }

  /** expire ends all access tokens. */
  expire(): void {
    for (const a of this.access.values()) a.ends = 0;
  }

  private who(token: string): string {
    const a = this.access.get(token);
    if (!a || a.ends <= this.now() || this.revoked.has(a.sign)) throw new Refusal('UNAUTHENTICATED');
    return a.user;
  }
}
