import { type Signal, signal } from "@preact/signals";
import type { Model } from "./model.ts";
import { shownName } from "./names.ts";
import { isLobby, type Talk, type User } from "./parley.ts";

// Presence is only worth showing of as many as somebody knows by name, and
// members are asked for once per group.
const mostPeers = 200;
const mostGroups = 12;
const lobbyEvery = 15_000;

/**
 * Circle is whom the user may meet now: peers of direct chats, members of group
 * chats, and who looks at the lobby.
 */
export class Circle {
  readonly #members: Signal<ReadonlyMap<string, readonly string[]>> = signal(new Map());
  readonly #here: Signal<readonly User[]> = signal([]);
  readonly #asked = new Map<string, number>();

  constructor(readonly model: Model) {}

  /** known are all of them, who is there first. */
  known(): User[] {
    const { model } = this;
    const ids = new Set<string>();
    for (const talk of model.talks.value.filter((talk) => talk.type === "direct").slice(0, mostPeers)) if (talk.peer) ids.add(talk.peer);
    for (const members of this.#members.value.values()) for (const id of members) ids.add(id);
    const found = new Map<string, User>();
    for (const user of this.#here.value) if (user.id) found.set(user.id, user);
    for (const id of ids) {
      const user = found.get(id) ?? model.user(id);
      if (user) found.set(id, user);
    }
    found.delete(model.me.value?.id ?? "");
    const rank = (user: User) => (this.isThere(user) ? 0 : 1);
    return [...found.values()].sort((a, b) => rank(a) - rank(b) || shownName(a).localeCompare(shownName(b)));
  }

  /** online are those who are there now. */
  online(): User[] {
    return this.known().filter((user) => this.isThere(user));
  }

  /** isThere says whether somebody is. */
  isThere({ id = "" }: User): boolean {
    return this.model.online(id) || this.#here.value.some((user) => user.id === id);
  }

  /** isIn says whether somebody is in a group chat, or looks at the lobby. */
  isIn({ id = "" }: User, talk: Talk): boolean {
    return (this.#members.value.get(talk.id)?.includes(id) ?? false) || (isLobby(talk) && this.#here.value.some((user) => user.id === id));
  }

  /**
   * find is who signs in with a name, else the only one the user knows who is shown
   * as that: in this order, or a stranger could pass as somebody by what they are shown as.
   */
  async find(name: string): Promise<User | undefined> {
    const { users = [] } = await this.model.client.call("getUsers", { names: [name] });
    if (users[0]) return users[0];
    const shown = this.known().filter((user) => shownName(user) === name);
    return shown.length === 1 ? shown[0] : undefined;
  }

  /** watch keeps it up to date until the function it returns is called. */
  watch(): () => void {
    this.ask();
    const timer = setInterval(() => this.#askLobby(), lobbyEvery);
    return () => clearInterval(timer);
  }

  /** ask asks for what is not known yet. */
  ask(): void {
    this.#askLobby();
    for (const talk of this.model.talks.value.filter((talk) => talk.type === "group").slice(0, mostGroups)) {
      if (this.#asked.get(talk.id) === talk.members) continue;
      this.#asked.set(talk.id, talk.members);
      this.model.client
        .call("listMembers", { conversation: talk.id })
        .then(({ members = [] }) => {
          this.#members.value = new Map(this.#members.value).set(
            talk.id,
            members.map((member) => member.user ?? ""),
          );
        })
        .catch(() => this.#asked.delete(talk.id));
    }
  }

  #askLobby(): void {
    const lobby = this.model.talks.value.find(isLobby);
    if (!lobby || document.visibilityState === "hidden" || this.model.state.value.phase !== "online") return;
    this.model.client
      .looking(lobby.id)
      .then(({ users }) => {
        this.#here.value = users;
      })
      .catch(() => {});
  }
}
