import type { RefObject } from "preact";

/**
 * keysOf lets the arrows go from message to message, once one of them has the
 * focus; before that they scroll, as they do everywhere.
 */
export const keysOf = (scroller: RefObject<HTMLElement | null>) => (event: KeyboardEvent) => {
  const box = scroller.current;
  if (!box || event.altKey || event.ctrlKey || event.metaKey) return;
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (step === undefined) return;
  const all = [...box.querySelectorAll<HTMLElement>(".message")];
  const at = all.findIndex((message) => message.contains(document.activeElement));
  const next = at < 0 ? (step < 0 ? lastSeen(box, all) : undefined) : all[at + step];
  if (!next) return;
  event.preventDefault();
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
};

// lastSeen is the lowest message that is on the screen.
function lastSeen(box: HTMLElement, all: readonly HTMLElement[]): HTMLElement | undefined {
  const { bottom } = box.getBoundingClientRect();
  return all.findLast((message) => message.getBoundingClientRect().top < bottom);
}
