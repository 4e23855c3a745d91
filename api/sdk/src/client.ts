// Client: the door of this package.

import { Bell } from './bell.ts';
import { Book } from './book.ts';
import type { GetServerResponse, Methods, Tokens, User } from './chat.ts';
import { page } from './conversation.ts';
import { Door } from './door.ts';
import { ParleyError, signedOut } from './error.ts';
import { newId } from './id.ts';
import { Images } from './images.ts';
import { Link } from './link.ts';
import { Marks } from './marks.ts';
import type { Events, Line, Looking, Options, State, Talk } from './model.ts';
import { Outbox } from './outbox.ts';
import type { Env, Parts } from './parts.ts';
import { People } from './people.ts';
import { Presence } from './presence.ts';
import { Repair } from './repair.ts';
import { Session } from './session.ts';
import { Status } from './status.ts';
import { browserStorage, Store } from './storage.ts';
import { Sync } from './sync.ts';

/**
 * Client is one tab of one device of one user. It keeps one socket, comes back by itself,
 * and shows every message once and in order. Nothing it returns is HTML: names, texts and
 * file names are whatever somebody wrote, and are to be shown as text.
 *
 *     const client = new Client({ api: '' });
 *     client.on('conversations', () => show(client.conversations()));
 *     await client.start();
 *     if (client.state.phase === 'signedOut') await client.signIn('liubei', '123456');
 */
export class Client {
  private readonly p: Parts;
  private unlisten: (() => void) | undefined;
  private readonly olders = new Map<string, Promise<boolean>>();

  /** A client does nothing until start() or a sign-in. */
  constructor(options: Options = {}) {
    const p = { env: envOf(options), frames: { n: 1 }, bell: new Bell() } as { -readonly [K in keyof Parts]: Parts[K] };
    p.status = new Status(p);
    p.session = new Session(p);
    p.door = new Door(p);
    p.link = new Link(p);
    p.book = new Book(p);
    p.repair = new Repair(p);
    p.sync = new Sync(p);
    p.outbox = new Outbox(p);
    p.marks = new Marks(p);
    p.people = new People(p);
    p.presence = new Presence(p);
    p.images = new Images(p);
    this.p = p;
  }

  /** me is who is signed in; null: nobody. */
  get me(): User | null {
    return this.p.session.user;
  }

  /** state is what the client does now. */
  get state(): State {
    return this.p.status.now();
  }

  /** on calls f at every event, after what happened; the function it returns ends that. */
  on<E extends keyof Events>(event: E, f: (v: Events[E]) => void): () => void {
    return this.p.bell.on(event, f);
  }

  /** start takes up the sign-in that is kept, if there is one. It does not wait for the network and does not fail. Called again it makes a conn that waits try at once. */
  async start(): Promise<void> {
    this.unlisten ??= this.p.session.listen();
    if (!this.p.session.takeUp()) return;
    if (this.p.status.now().phase === 'signedOut') this.p.sync.signedIn();
    else this.p.link.start();
  }

  /** stop ends the conn and all timers, and keeps the sign-in; start() goes on. */
  stop(): void {
    this.unlisten?.();
    this.unlisten = undefined;
    this.p.sync.stop();
  }

  /** signIn trades name and password for a sign-in. It rejects with a ParleyError, as the two below do. */
  async signIn(name: string, password: string): Promise<void> {
    const { door, env } = this.p;
    this.signedIn(await door.call('signIn', { name, password, device: env.device }));
  }

  /** signUp makes an account and signs in. */
  async signUp(name: string, password: string, displayName = ''): Promise<void> {
    const { door, env } = this.p;
    this.signedIn(await door.call('signUp', { name, password, displayName, device: env.device }));
  }

  /** signInGuest makes an account without a password, where the server allows it. */
  async signInGuest(displayName: string): Promise<void> {
    const { door, env } = this.p;
    this.signedIn(await door.call('signInGuest', { displayName, device: env.device }));
  }

  private signedIn(res: { user?: User; tokens?: Tokens }): void {
    const { session, sync } = this.p;
    if (!res.user?.id || !res.tokens) throw new ParleyError('INTERNAL', 'no user came');
    if (session.user) sync.signedOut(undefined, true);
    session.keep(res.user, res.tokens);
    this.unlisten ??= session.listen();
    sync.signedIn();
  }

  /** signOut ends the sign-in here at once, and at the server if it can be reached. What is unsent is thrown away. */
  async signOut(): Promise<void> {
    const { session, door, outbox, sync } = this.p;
    const { refresh } = session;
    if (!session.user) return;
    outbox.wipe();
    sync.signedOut();
    await door.call('signOut', { refresh }).catch(() => {}); // without it the sign-in ends with its tokens
  }

  /** server tells what the server allows. */
  async server(): Promise<GetServerResponse> {
    return this.p.door.call('getServer', {});
  }

  /**
   * call makes any call: over the socket when it is open, otherwise over HTTP. What is safe
   * to repeat is repeated, for up to 30 s; a request id is filled in where one belongs.
   */
  async call<M extends keyof Methods>(method: M, params: Methods[M]['request']): Promise<Methods[M]['response']> {
    return this.p.door.call(method, params);
  }

  /** conversations are the user's, the one with the newest message first. The list is the same object until it changes. */
  conversations(): readonly Talk[] {
    return this.p.book.list();
  }

  /** talk is one conversation, also a room that is looked at without being in it. */
  talk(id: string): Talk | undefined {
    return this.p.book.talk(id);
  }

  /**
   * open looks at a conversation: its newest lines come and stay complete until close(). It
   * resolves when they are there, and rejects with a ParleyError when they will not be.
   */
  async open(id: string): Promise<void> {
    const { book, repair, session } = this.p;
    if (!session.user) throw signedOut();
    const c = book.of(id);
    book.look(c);
    return repair.opened(c);
  }

  /** close looks away. */
  close(id: string): void {
    const { book, repair, marks } = this.p;
    const c = book.get(id);
    if (!c?.looked) return;
    marks.quietOwn(id, true);
    book.lookAway(c);
    repair.settle(id);
    repair.away(c);
  }

  /** lines are what is known of a conversation, in order and without a hole, then what is unsent. The list is the same object until it changes. */
  lines(id: string): readonly Line[] {
    return this.p.book.lines(id);
  }

  /** older fetches the page before lines(); false: there is none. It rejects with a ParleyError when it cannot be fetched. */
  older(id: string): Promise<boolean> {
    let asked = this.olders.get(id);
    if (!asked) {
      asked = this.fetchOlder(id).finally(() => this.olders.delete(id));
      this.olders.set(id, asked);
    }
    return asked;
  }

  private async fetchOlder(id: string): Promise<boolean> {
    const { book, door, people } = this.p;
    const c = book.get(id);
    const w = c?.window;
    if (!c || !w?.made) return false;
    if (w.top || w.begin <= 1n) return false;
    const { made } = w;
    w.askOlder();
    const req = { conversation: id, before: String(w.begin), limit: page };
    const res = await door.call('getMessages', req).catch((e) => {
      w.endOlder();
      throw e;
    });
    if (c.window !== w || w.made !== made) return true; // it began anew meanwhile
    const isMore = w.gotOlder(res);
    people.want(w.messages.flatMap((m) => [m.sender, ...m.users]));
    book.changed(c);
    return isMore;
  }

  /** send puts a text among the unsent ones, from where it goes until it is answered. */
  send(id: string, text: string): void {
    this.p.outbox.send(id, text);
  }

  /** sendImage does the same with a picture. Until its bytes are with the server it does not outlive the tab. */
  sendImage(id: string, file: Blob & { name?: string }): void {
    this.p.outbox.sendImage(id, file);
  }

  /** again tries a line that failed once more. */
  again(id: string, key: string): void {
    this.p.outbox.again(id, key);
  }

  /** drop throws an unsent line away. One that is on its way may have been stored all the same. */
  drop(id: string, key: string): void {
    this.p.outbox.drop(id, key);
  }

  /** edit replaces the text of a line of one's own. CONFLICT: it was changed meanwhile. */
  async edit(id: string, seq: bigint, text: string): Promise<void> {
    const baseRev = String(this.p.book.get(id)?.window?.get(seq)?.rev ?? 0n);
    await this.p.door.call('editMessage', { conversation: id, seq: String(seq), baseRev, text });
  }

  /** recall takes the text of a line of one's own away from everybody. */
  async recall(id: string, seq: bigint): Promise<void> {
    await this.p.door.call('recallMessage', { conversation: id, seq: String(seq) });
  }

  /** read raises one's read mark; it never falls. */
  read(id: string, seq: bigint): void {
    this.p.marks.read(id, seq);
  }

  /** typing says that the user types: call it at every key. It ends by itself, and when something is sent. */
  typing(id: string): void {
    this.p.marks.typing(id);
  }

  /** typists are the ids of others who type. */
  typists(id: string): readonly string[] {
    return [...(this.p.book.get(id)?.typing.keys() ?? [])];
  }

  /** user is what is known of a user; undefined: it is being fetched, and the event 'people' says when it is there. */
  user(id: string): User | undefined {
    return this.p.people.get(id);
  }

  /** online says whether a user is there, as far as is known. Whoever was asked about is kept up to date. */
  online(user: string): boolean {
    return this.p.presence.online(user);
  }

  /** readBy is how far others have read, by their ids; empty in rooms and large group chats. */
  readBy(id: string): ReadonlyMap<string, bigint> {
    return this.p.book.get(id)?.reads ?? new Map();
  }

  /** direct returns the id of the conversation with the user of a name, and makes it if there is none. NOT_FOUND: there is no such user. */
  async direct(name: string): Promise<string> {
    const { door, people } = this.p;
    const { users } = await door.call('getUsers', { names: [name] });
    const user = users?.[0];
    if (!user?.id) throw new ParleyError('NOT_FOUND', 'no such user');
    people.add([user]);
    return idOf(await door.call('createDirect', { user: user.id }));
  }

  /** group makes a group chat and returns its id. */
  async group(name: string, users: readonly string[]): Promise<string> {
    return idOf(await this.p.door.call('createGroup', { name, users: [...users] }));
  }

  /** room joins the room of a name and returns its id. The lobby, which everybody is in, is "lobby". */
  async room(name: string): Promise<string> {
    return idOf(await this.p.door.call('joinRoom', { name }));
  }

  /** addMembers adds users, by their ids, to a group chat. */
  async addMembers(id: string, users: readonly string[]): Promise<void> {
    await this.p.door.call('addMembers', { conversation: id, users: [...users] });
  }

  /** leave takes the user out of a group chat or a room. */
  async leave(id: string): Promise<void> {
    await this.p.door.call('leaveConversation', { conversation: id });
  }

  /** looking tells who looks at a room now; ask again now and then. */
  async looking(id: string): Promise<Looking> {
    const res = await this.p.door.call('listLooking', { conversation: id });
    const users = res.users ?? [];
    this.p.people.add(users);
    return { users, looking: res.looking ?? 0 };
  }

  /** image is a blob: URL of a picture's bytes, or of a small one. It is good until 100 others were asked for. */
  image(id: string, seq: bigint, thumbnail: boolean): Promise<string> {
    return this.p.images.get(id, seq, thumbnail);
  }
}

function idOf(res: { conversation?: { id?: string } }): string {
  const id = res.conversation?.id;
  if (!id) throw new ParleyError('INTERNAL', 'no conversation came');
  return id;
}

function envOf(o: Options): Env {
  const store = new Store(o.storage === undefined ? browserStorage() : o.storage);
  let device = o.device ?? store.get('device');
  if (!device) {
    device = newId();
    store.set('device', device);
  }
  return {
    api: (o.api ?? '').replace(/\/+$/, ''),
    gateways: o.gateways,
    program: { name: o.name ?? 'parley-web', version: o.version ?? '1' },
    device,
    now: o.now ?? Date.now,
    random: o.random ?? Math.random,
    WebSocket: o.WebSocket ?? globalThis.WebSocket,
    fetch: o.fetch ?? ((...a) => globalThis.fetch(...a)),
    store,
  };
}
