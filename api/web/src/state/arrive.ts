import { effect, signal } from "@preact/signals";
import { words } from "../words/index.ts";
import type { Model } from "./model.ts";
import { isolated } from "./names.ts";
import { complain, say } from "./notes.ts";
import { go, route } from "./route.ts";
import { wide } from "./window.ts";

/** cameIn is how somebody came in just now; null: the sign-in was kept. */
export const cameIn = signal<"back" | "first" | null>(null);

/** arrive brings whoever comes in to where they want to be: with NAME, or in the lobby. */
export function arrive(model: Model): void {
  effect(() => {
    const { phase } = model.state.value;
    if (phase === "signedOut") return;
    if (route.value.at === "with") void talkWith(model, route.value.name);
    const how = cameIn.value;
    if (how) {
      cameIn.value = null;
      void enterLobby(model, how);
    }
  });
}

let asked = "";

async function talkWith(model: Model, name: string): Promise<void> {
  if (asked === name) return;
  asked = name;
  try {
    go({ at: "talk", id: await model.client.direct(name), people: false }, { replace: true });
  } catch (err) {
    if ((err as { reason?: string }).reason === "NOT_FOUND") say(words.value.noSuchPerson(isolated(name)));
    else complain(err);
    go({ at: "home" }, { replace: true });
  } finally {
    asked = "";
  }
}

// Everybody joins the lobby. Whoever is new, or has room for a conversation
// beside the list, sees it at once.
async function enterLobby(model: Model, how: "back" | "first"): Promise<void> {
  try {
    const id = await model.client.room("lobby");
    if (route.peek().at === "home" && (how === "first" || wide.peek())) go({ at: "talk", id, people: false }, { replace: wide.peek() });
  } catch (err) {
    complain(err);
  }
}
