import { signal } from "@preact/signals";
import { isolated } from "../../state/names.ts";
import { reasonOf } from "../../state/notes.ts";
import type { User } from "../../state/parley.ts";
import type { Circle } from "../../state/people.ts";
import { words } from "../../words/index.ts";

/** Picked is whom somebody has chosen so far, and what they are typing. */
export class Picked {
  readonly users = signal<readonly User[]>([]);
  readonly typed = signal("");
  readonly wrong = signal("");

  /** already are ids of those who need not be chosen. */
  constructor(
    readonly circle: Circle,
    readonly already: readonly string[] = [],
  ) {}

  add(user: User): void {
    if (!this.users.value.some((each) => each.id === user.id)) this.users.value = [...this.users.value, user];
    this.typed.value = "";
    this.wrong.value = "";
  }

  remove(user: User): void {
    this.users.value = this.users.value.filter((each) => each !== user);
  }

  /** without are the ids that are not to be offered. */
  without(): ReadonlySet<string> {
    return new Set([...this.already, ...this.users.value.map((user) => user.id ?? "")]);
  }

  /** take adds whoever has the name that is typed; false: nobody has it, and wrong says so. */
  async take(): Promise<boolean> {
    const wanted = this.typed.peek().trim();
    this.wrong.value = "";
    if (wanted === "") return true;
    try {
      const user = await this.circle.find(wanted);
      if (user) this.add(user);
      else this.wrong.value = words.peek().noSuchPerson(isolated(wanted));
      return user !== undefined;
    } catch (err) {
      this.wrong.value = reasonOf(err);
      return false;
    }
  }
}
