import { computed, effect, signal } from "@preact/signals";
import { en, type Words } from "./en.ts";
import { zh } from "./zh.ts";

export type { Words };

/** Language is a language the page speaks, as a BCP 47 tag. */
export type Language = "en" | "zh-CN";

const languages: Record<Language, Words> = { en, "zh-CN": zh };
const kept = "parley.language";

/** choose picks the first of a person's languages that the page speaks. */
export function choose(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    if (/^zh\b/i.test(tag)) return "zh-CN";
    if (/^en\b/i.test(tag)) return "en";
  }
  return "en";
}

function first(): Language {
  try {
    const chosen = localStorage.getItem(kept);
    if (chosen === "en" || chosen === "zh-CN") return chosen;
  } catch {
    // Storage may be forbidden; then the choice lasts as long as the page.
  }
  return choose(navigator.languages ?? [navigator.language]);
}

/** language is the one the page speaks now. */
export const language = signal<Language>(first());

/** words are its words. Read it while rendering, and a switch renders again. */
export const words = computed<Words>(() => languages[language.value]);

effect(() => {
  document.documentElement.lang = language.value;
});

/** speak switches the language and remembers that. */
export function speak(next: Language): void {
  language.value = next;
  try {
    localStorage.setItem(kept, next);
  } catch {
    // See first.
  }
}
