// Client: the door of this package.

import type { GetServerResponse, Methods, User } from './chat.ts';
import type { Events, Line, Looking, Options, State, Talk } from './model.ts';

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
  /** A client does nothing until start() or a sign-in. */
  constructor(_options: Options = {}) {}

  /** me is who is signed in; null: nobody. */
  get me(): User | null {
    return null;
  }

  /** state is what the client does now. */
  get state(): State {
    return { phase: 'signedOut', behind: false, unsent: 0 };
  }

  /** on calls f at every event, after what happened; the function it returns ends that. */
  on<E extends keyof Events>(_event: E, _f: (v: Events[E]) => void): () => void {
    return () => {};
  }

  /** start takes up the sign-in that is kept, if there is one. It does not wait for the network and does not fail. Called again it makes a conn that waits try at once. */
  async start(): Promise<void> {}

  /** stop ends the conn and all timers, and keeps the sign-in; start() goes on. */
  stop(): void {}

  /** signIn trades name and password for a sign-in. It rejects with a ParleyError, as the two below do. */
  async signIn(_name: string, _password: string): Promise<void> {}

  /** signUp makes an account and signs in. */
  async signUp(_name: string, _password: string, _displayName?: string): Promise<void> {}

  /** signInGuest makes an account without a password, where the server allows it. */
  async signInGuest(_displayName: string): Promise<void> {}

  /** signOut ends the sign-in here at once, and at the server if it can be reached. What is unsent is thrown away. */
  async signOut(): Promise<void> {}

  /** server tells what the server allows. */
  async server(): Promise<GetServerResponse> {
    return {};
  }

  /**
   * call makes any call: over the socket when it is open, otherwise over HTTP. What is safe
   * to repeat is repeated, for up to 30 s; a request id is filled in where one belongs.
   */
  async call<M extends keyof Methods>(_method: M, _params: Methods[M]['request']): Promise<Methods[M]['response']> {
    return {};
  }

  /** conversations are the user's, the one with the newest message first. The list is the same object until it changes. */
  conversations(): readonly Talk[] {
    return [];
  }

  /** talk is one conversation, also a room that is looked at without being in it. */
  talk(_id: string): Talk | undefined {
    return undefined;
  }

  /**
   * open looks at a conversation: its newest lines come and stay complete until close(). It
   * resolves when they are there, and rejects with a ParleyError when they will not be.
   */
  async open(_id: string): Promise<void> {}

  /** close looks away. */
  close(_id: string): void {}

  /** lines are what is known of a conversation, in order and without a hole, then what is unsent. The list is the same object until it changes. */
  lines(_id: string): readonly Line[] {
    return [];
  }

  /** older fetches the page before lines(); false: there is none. */
  async older(_id: string): Promise<boolean> {
    return false;
  }

  /** send puts a text among the unsent ones, from where it goes until it is answered. */
  send(_id: string, _text: string): void {}

  /** sendImage does the same with a picture. Until its bytes are with the server it does not outlive the tab. */
  sendImage(_id: string, _file: Blob & { name?: string }): void {}

  /** again tries a line that failed once more. */
  again(_id: string, _key: string): void {}

  /** drop throws an unsent line away. One that is on its way may have been stored all the same. */
  drop(_id: string, _key: string): void {}

  /** edit replaces the text of a line of one's own. CONFLICT: it was changed meanwhile. */
  async edit(_id: string, _seq: bigint, _text: string): Promise<void> {}

  /** recall takes the text of a line of one's own away from everybody. */
  async recall(_id: string, _seq: bigint): Promise<void> {}

  /** read raises one's read mark; it never falls. */
  read(_id: string, _seq: bigint): void {}

  /** typing says that the user types: call it at every key. It ends by itself, and when something is sent. */
  typing(_id: string): void {}

  /** typists are the ids of others who type. */
  typists(_id: string): readonly string[] {
    return [];
  }

  /** user is what is known of a user; undefined: it is being fetched, and the event 'people' says when it is there. */
  user(_id: string): User | undefined {
    return undefined;
  }

  /** online says whether a user is there, as far as is known. Whoever was asked about is kept up to date. */
  online(_user: string): boolean {
    return false;
  }

  /** readBy is how far others have read, by their ids; empty in rooms and large group chats. */
  readBy(_id: string): ReadonlyMap<string, bigint> {
    return new Map();
  }

  /** direct returns the id of the conversation with the user of a name, and makes it if there is none. NOT_FOUND: there is no such user. */
  async direct(_name: string): Promise<string> {
    return '';
  }

  /** group makes a group chat and returns its id. */
  async group(_name: string, _users: readonly string[]): Promise<string> {
    return '';
  }

  /** room joins the room of a name and returns its id. The lobby, which everybody is in, is "lobby". */
  async room(_name: string): Promise<string> {
    return '';
  }

  /** addMembers adds users, by their ids, to a group chat. */
  async addMembers(_id: string, _users: readonly string[]): Promise<void> {}

  /** leave takes the user out of a group chat or a room. */
  async leave(_id: string): Promise<void> {}

  /** looking tells who looks at a room now; ask again now and then. */
  async looking(_id: string): Promise<Looking> {
    return { users: [], looking: 0 };
  }

  /** image is a blob: URL of a picture's bytes, or of a small one. It is good until 100 others were asked for. */
  async image(_id: string, _seq: bigint, _thumbnail: boolean): Promise<string> {
    return '';
  }
}
