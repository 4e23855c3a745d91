import { type Signal, signal } from "@preact/signals";
import type { Model } from "./model.ts";
import { isLobby, type User } from "./parley.ts";

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

  /** online are those who are there, by name. */
  online(): User[] {
    const { model } = this;
    const ids = new Set<string>();
    for (const talk of model.talks.value.filter((talk) => talk.type === "direct").slice(0, mostPeers)) if (talk.peer) ids.add(talk.peer);
    for (const members of this.#members.value.values()) for (const id of members) ids.add(id);
    const found = new Map<string, User>();
    for (const user of this.#here.value) if (user.id) found.set(user.id, user);
    for (const id of ids) {
      if (found.has(id) || !model.online(id)) continue;
      const user = model.user(id);
      if (user) found.set(id, user);
    }
    found.delete(model.me.value?.id ?? "");
    return [...found.values()];
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
