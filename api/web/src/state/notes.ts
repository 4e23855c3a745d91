import { signal } from "@preact/signals";
import { language, words } from "../words/index.ts";

/** note is what the page has to say at the moment, outside of any screen. */
export const note = signal<{ text: string; n: number } | null>(null);

/** heard is what only screen readers are told: messages as they come. */
export const heard = signal("");

const shownFor = 6_000;
let n = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

/** say shows a note for a few seconds. */
export function say(text: string): void {
  note.value = { text, n: ++n };
  clearTimeout(timer);
  timer = setTimeout(() => {
    note.value = null;
  }, shownFor);
}

/** reasonOf says in the user's language why something failed. */
export function reasonOf(err: unknown): string {
  const { reason = "", message = "" } = (err ?? {}) as { reason?: string; message?: string };
  const { errors } = words.value;
  // What exactly is invalid the server says, in English only.
  if (reason === "INVALID" && message && language.value === "en") return `${message.charAt(0).toUpperCase()}${message.slice(1)}.`;
  return errors[reason] ?? (message || (errors["INTERNAL"] as string));
}

/** complain says why something failed. */
export const complain = (err: unknown): void => say(reasonOf(err));
