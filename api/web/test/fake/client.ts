import type { Events, Methods } from "@parley/sdk";
import type { Line, Parley, State, StoredLine, Talk, UnsentLine, User } from "../../src/state/parley.ts";
import { picture } from "./picture.ts";
import { type Place, people, stored, world } from "./world.ts";

const page = 60;
const fault = (reason: string) => Object.assign(new Error(reason), { reason, temporary: false });
const soon = (ms = 120) => new Promise<void>((done) => setTimeout(done, ms));

/**
 * FakeClient is a server and its client in one object: enough of both to look at
 * every screen. What it says about the connection is set by hand.
 */
export class FakeClient implements Parley {
  me: User | null = null;
  state: State = { phase: "signedOut", behind: false, unsent: 0 };
  /** fail makes the next message fail. */
  fail = false;
  /** slow is how long a message is on its way. */
  slow = 600;
  readonly typing_ = new Map<string, string[]>();
  readonly places = new Map<string, Place>();
  readonly #from = new Map<string, number>();
  readonly #lines = new Map<string, readonly Line[]>();
  readonly #listeners = new Map<string, Set<(v: never) => void>>();
  #talks: readonly Talk[] = [];
  #made = 0;

  constructor(readonly options: { as: string; talks: number }) {}

  on<E extends keyof Events>(event: E, f: (v: Events[E]) => void): () => void {
    const all = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, all.add(f as (v: never) => void));
    return () => all.delete(f as (v: never) => void);
  }

  emit<E extends keyof Events>(event: E, v: Events[E]): void {
    for (const f of this.#listeners.get(event) ?? []) (f as (v: Events[E]) => void)(v);
  }

  become(state: Partial<State>): void {
    this.state = { ...this.state, ...state };
    this.emit("state", this.state);
  }

  #come(user: User): void {
    this.me = user;
    for (const each of world(user.id ?? "", this.options.talks)) this.places.set(each.talk.id, each);
    this.#sort();
    this.become({ phase: "online" });
  }

  #sort(): void {
    this.#talks = [...this.places.values()].map(({ talk }) => talk).sort((a, b) => (b.preview?.sentAt ?? 0) - (a.preview?.sentAt ?? 0));
    this.emit("conversations", undefined);
  }

  #changed(id: string): void {
    const all = this.places.get(id)?.all ?? [];
    this.#lines.set(id, all.slice(this.#from.get(id) ?? 0));
    this.emit("lines", id);
  }

  async start(): Promise<void> {
    const user = people.find(({ name }) => name === this.options.as);
    if (user && !this.me) this.#come(user);
  }
  stop(): void {}
  async signIn(name: string, password: string): Promise<void> {
    await soon();
    const user = people.find((each) => each.name === name);
    if (!user || password !== "123456") throw fault("UNAUTHENTICATED");
    this.#come(user);
  }
  async signUp(name: string, _password: string, displayName?: string): Promise<void> {
    await soon();
    if (people.some((each) => each.name === name)) throw fault("CONFLICT");
    this.#come({ id: "u1", name, displayName });
  }
  async signInGuest(displayName: string): Promise<void> {
    await soon();
    this.#come({ id: "u1", name: "guest-1", displayName, guest: true });
  }
  async signOut(): Promise<void> {
    this.me = null;
    this.places.clear();
    this.#sort();
    this.become({ phase: "signedOut" });
  }
  async server() {
    return { guests: true, demoAccounts: people.slice(2, 6).map(({ name, displayName }) => ({ name, displayName, password: "123456" })) };
  }
  async call<M extends keyof Methods>(method: M, params: Methods[M]["request"]): Promise<Methods[M]["response"]> {
    await soon();
    const asked = params as { names?: string[]; conversation?: string };
    const answers: Record<string, unknown> = {
      getUsers: { users: people.filter(({ name }) => asked.names?.includes(name ?? "")) },
      listMembers: { members: people.slice(0, 4).map(({ id }) => ({ user: id, role: id === "u1" ? "ROLE_OWNER" : "ROLE_MEMBER" })) },
    };
    return (answers[method] ?? {}) as Methods[M]["response"];
  }
  conversations(): readonly Talk[] {
    return this.#talks;
  }
  talk(id: string): Talk | undefined {
    return this.places.get(id)?.talk;
  }
  async open(id: string): Promise<void> {
    await soon(60);
    const found = this.places.get(id);
    if (!found) throw fault("NOT_FOUND");
    if (!this.#from.has(id)) this.#from.set(id, Math.max(0, found.all.length - page));
    this.#changed(id);
  }
  close(): void {}
  lines(id: string): readonly Line[] {
    return this.#lines.get(id) ?? [];
  }
  async older(id: string): Promise<boolean> {
    await soon(300);
    const from = this.#from.get(id) ?? 0;
    this.#from.set(id, Math.max(0, from - page));
    if (from > 0) this.#changed(id);
    return from > 0;
  }
  send(id: string, text: string): void {
    this.#send(id, { kind: "text", text });
  }
  sendImage(id: string, file: Blob & { name?: string }): void {
    this.#send(id, { kind: "image", text: "", image: URL.createObjectURL(file), name: file.name ?? "" });
  }
  #send(id: string, what: Pick<UnsentLine, "kind" | "text" | "image" | "name">): void {
    const at = this.places.get(id);
    if (!at) return;
    const line: UnsentLine = { state: "pending", key: `mine${++this.#made}`, mine: true, ...what };
    at.all.push(line);
    this.#changed(id);
    if (this.slow > 0) setTimeout(() => this.#arrive(id, line), this.slow);
  }
  #arrive(id: string, line: UnsentLine): void {
    const at = this.places.get(id);
    const i = at?.all.indexOf(line) ?? -1;
    if (!at || i < 0) return;
    if (this.fail) {
      this.fail = false;
      at.all[i] = { ...line, state: "failed", reason: "RATE_LIMITED" };
      this.#changed(id);
      return;
    }
    at.all.splice(i, 1);
    this.receive(id, this.me?.id ?? "", line.text, {
      key: line.key,
      kind: line.kind,
      image: line.kind === "image" ? { width: 640, height: 400, name: line.name } : undefined,
    });
  }
  /** receive is a message of anybody. */
  receive(id: string, sender: string, text: string, more: Partial<StoredLine> = {}): void {
    const at = this.places.get(id);
    if (!at) return;
    const seq = at.talk.seq + 1n;
    const line = stored(seq, sender, this.me?.id ?? "", text, more);
    const unsent = at.all.findIndex((each) => each.state !== "stored");
    at.all.splice(unsent < 0 ? at.all.length : unsent, 0, line);
    at.talk = {
      ...at.talk,
      seq,
      unread: line.mine ? at.talk.unread : at.talk.unread + 1,
      preview: { seq, sender, kind: line.kind, text, sentAt: line.sentAt, recalled: false },
    };
    this.#changed(id);
    this.#sort();
  }
  again(id: string, key: string): void {
    const line = this.places.get(id)?.all.find((each) => each.key === key);
    if (!line || line.state === "stored") return;
    this.drop(id, key);
    this.#send(id, line);
  }
  drop(id: string, key: string): void {
    const at = this.places.get(id);
    if (at) at.all = at.all.filter((each) => each.key !== key);
    this.#changed(id);
  }
  async edit(id: string, seq: bigint, text: string): Promise<void> {
    this.#replace(id, seq, { text, edited: true });
  }
  async recall(id: string, seq: bigint): Promise<void> {
    this.#replace(id, seq, { text: "", recalled: true });
  }
  #replace(id: string, seq: bigint, change: Partial<StoredLine>): void {
    const at = this.places.get(id);
    if (at) at.all = at.all.map((line) => (line.state === "stored" && line.seq === seq ? { ...line, ...change } : line));
    this.#changed(id);
  }
  read(id: string, seq: bigint): void {
    const at = this.places.get(id);
    if (!at || (at.talk.unread === 0 && at.talk.readSeq >= seq)) return;
    at.talk = { ...at.talk, unread: 0, readSeq: seq };
    this.#sort();
  }
  typing(): void {}
  typists(id: string): readonly string[] {
    return this.typing_.get(id) ?? [];
  }
  type(id: string, users: string[]): void {
    this.typing_.set(id, users);
    this.emit("typing", id);
  }
  user(id: string): User | undefined {
    return people.find((each) => each.id === id);
  }
  online(user: string): boolean {
    return user !== "u3" && user !== "u6";
  }
  readBy(): ReadonlyMap<string, bigint> {
    return new Map([["u4", 3n]]);
  }
  async direct(name: string): Promise<string> {
    await soon();
    const user = people.find((each) => each.name === name);
    if (!user) throw fault("NOT_FOUND");
    return this.#make("direct", user.displayName ?? name, user.id);
  }
  async group(name: string): Promise<string> {
    return this.#make("group", name);
  }
  async room(name: string): Promise<string> {
    await soon();
    return this.#make("room", name);
  }
  #make(type: Talk["type"], name: string, peer?: string): string {
    const known = this.#talks.find((talk) => talk.type === type && talk.name === name);
    if (known) return known.id;
    const id = `made-${++this.#made}`;
    this.places.set(id, {
      all: [],
      talk: { id, type, name, peer, unread: 0, members: 2, role: "owner", complete: true, seq: 0n, readSeq: 0n },
    });
    this.#sort();
    return id;
  }
  async addMembers(): Promise<void> {}
  async leave(id: string): Promise<void> {
    this.places.delete(id);
    this.#sort();
  }
  async looking() {
    return { users: [people[6] as User, people[1] as User], looking: 3 };
  }
  async image(_id: string, _seq: bigint, thumbnail: boolean): Promise<string> {
    await soon(thumbnail ? 200 : 400);
    return picture();
  }
}
