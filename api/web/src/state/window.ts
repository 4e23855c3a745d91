import { type ReadonlySignal, signal } from "@preact/signals";

function matches(query: string): ReadonlySignal<boolean> {
  const list = matchMedia(query);
  const now = signal(list.matches);
  list.addEventListener("change", () => {
    now.value = list.matches;
  });
  return now;
}

/** wide says that list and conversation fit side by side; the styles know the same number. */
export const wide = matches("(min-width: 720px)");

/** veryWide says that people fit beside both. */
export const veryWide = matches("(min-width: 1080px)");

/** seen says that somebody may be looking at the page. */
export const seen = signal(isSeen());

function isSeen(): boolean {
  return document.visibilityState === "visible" && document.hasFocus();
}

for (const event of ["focus", "blur"]) {
  addEventListener(event, () => {
    seen.value = isSeen();
  });
}
document.addEventListener("visibilitychange", () => {
  seen.value = isSeen();
});

/** networked says that the machine has a network, as far as it knows. */
export const networked = signal(navigator.onLine);

for (const event of ["online", "offline"]) {
  addEventListener(event, () => {
    networked.value = navigator.onLine;
  });
}

const kept = "parley.people";

/** panel says whether people are shown where there is room for them. */
export const panel = signal(read() !== "no");

function read(): string | null {
  try {
    return localStorage.getItem(kept);
  } catch {
    return null;
  }
}

/** togglePanel shows or hides them, and remembers that. */
export function togglePanel(): void {
  panel.value = !panel.value;
  try {
    localStorage.setItem(kept, panel.value ? "yes" : "no");
  } catch {
    // Then it is remembered as long as the page.
  }
}
