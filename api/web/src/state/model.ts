import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Line, Parley, State, Talk, User } from "./parley.ts";

/**
 * Model turns what the SDK tells into signals, so that exactly what shows a thing
 * renders again when it changes. News that come in one go are taken in once.
 */
export class Model {
  readonly state: Signal<State>;
  readonly me: Signal<User | null>;
  readonly talks: Signal<readonly Talk[]>;
  /** people rises with any news of users: names, presence, read marks. */
  readonly people = signal(0);
  /** typing rises when somebody begins or stops. */
  readonly typing = signal(0);
  /** unread is how many messages wait, in all conversations. */
  readonly unread: ReadonlySignal<number>;

  /** marks rises when somebody has read on. */
  readonly marks = signal(0);

  readonly #lines = new Map<string, Signal<readonly Line[]>>();
  readonly #takers = new Map<string, () => void>();
  readonly #news = new Set<() => void>();

  constructor(readonly client: Parley) {
    this.state = signal(client.state);
    this.me = signal(client.me);
    this.talks = signal(client.conversations());
    this.unread = computed(() => this.talks.value.reduce((n, talk) => n + talk.unread, 0));

    const takeTalks = () => {
      this.talks.value = client.conversations();
    };
    const takeState = () => {
      this.state.value = client.state;
      this.me.value = client.me;
    };
    const takePeople = () => {
      this.people.value++;
      this.me.value = client.me;
    };
    const takeTyping = () => {
      this.typing.value++;
    };
    client.on("conversations", () => this.#soon(takeTalks));
    client.on("state", () => this.#soon(takeState));
    client.on("people", () => this.#soon(takePeople));
    client.on("typing", () => this.#soon(takeTyping));
    client.on("lines", (id) => this.#soon(this.#takeLines(id)));
  }

  /** lines are those of a conversation. */
  lines(id: string): ReadonlySignal<readonly Line[]> {
    let lines = this.#lines.get(id);
    if (!lines) {
      lines = signal(this.client.lines(id));
      this.#lines.set(id, lines);
    }
    return lines;
  }

  /** talk is the conversation of an id, if it is known. */
  talk(id: string): Talk | undefined {
    this.talks.value;
    return this.client.talk(id);
  }

  /** user is who that is, as far as it is known yet. */
  user(id: string): User | undefined {
    this.people.value;
    return this.me.value?.id === id ? this.me.value : this.client.user(id);
  }

  /** online says whether somebody is there. */
  online(id: string): boolean {
    this.people.value;
    return this.client.online(id);
  }

  /** typists are those who type in a conversation. */
  typists(id: string): readonly string[] {
    this.typing.value;
    return this.client.typists(id);
  }

  /** readBy is how far others have read. */
  readBy(id: string): ReadonlyMap<string, bigint> {
    this.marks.value;
    return this.client.readBy(id);
  }

  #takeLines(id: string): () => void {
    let take = this.#takers.get(id);
    if (!take) {
      take = () => {
        const lines = this.#lines.get(id);
        if (lines) lines.value = this.client.lines(id);
        this.marks.value++;
      };
      this.#takers.set(id, take);
    }
    return take;
  }

  // soon takes news in after whatever else the same moment brings.
  #soon(take: () => void): void {
    if (this.#news.size === 0) {
      queueMicrotask(() => {
        const news = [...this.#news];
        this.#news.clear();
        batch(() => {
          for (const each of news) each();
        });
      });
    }
    this.#news.add(take);
  }
}

/** ModelContext hands the one model down to whatever is shown. */
export const ModelContext = createContext<Model | null>(null);

/** useModel is the model of the page. */
export function useModel(): Model {
  const model = useContext(ModelContext);
  if (!model) throw new Error("useModel outside of ModelContext");
  return model;
}
