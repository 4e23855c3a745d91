import { signal } from "@preact/signals";

/** Route is where on the page one is; the address after # says the same. */
export type Route = { at: "home" } | { at: "people" } | { at: "talk"; id: string; people: boolean } | { at: "with"; name: string };

/** parse reads an address. One that says nothing known is home. */
export function parse(hash: string): Route {
  const [at = "", what = "", then = ""] = hash.replace(/^#?\/?/, "").split("/");
  if (at === "people" && what === "") return { at: "people" };
  try {
    if (at === "c" && what !== "") return { at: "talk", id: decodeURIComponent(what), people: then === "people" };
    if (at === "with" && what !== "") return { at: "with", name: decodeURIComponent(what) };
  } catch {
    // A % that encodes nothing.
  }
  return { at: "home" };
}

/** format writes it. */
export function format(route: Route): string {
  switch (route.at) {
    case "home":
      return "#/";
    case "people":
      return "#/people";
    case "talk":
      return `#/c/${encodeURIComponent(route.id)}${route.people ? "/people" : ""}`;
    case "with":
      return `#/with/${encodeURIComponent(route.name)}`;
  }
}

/** route is where one is now. */
export const route = signal<Route>(parse(location.hash));

// How many steps of the history are the page's own, so that "back" never leaves it.
const depth = (): number => (history.state as { depth?: number } | null)?.depth ?? 0;

// over is set in the step of what lies over the page; another number for each, also than
// the step below has: that may be of before the page was loaded again.
const overNow = (): number => (history.state as { over?: number } | null)?.over ?? 0;
let overs = 0;

// returning: a step back is on its way, and comes with a popstate.
let returning = false;

/**
 * over is for what lies over the page, a dialog: the browser's "back" takes that away, and
 * does not leave what is below. Call what it returns when it is gone, whatever took it away.
 */
export function over(close: () => void): () => void {
  overs = Math.max(overs, overNow()) + 1;
  const me = overs;
  history.pushState({ depth: depth() + 1, over: me }, "");
  const popped = () => overNow() !== me && close();
  addEventListener("popstate", popped);
  return () => {
    removeEventListener("popstate", popped);
    if (overNow() !== me || returning) return;
    returning = true;
    addEventListener("popstate", () => (returning = false), { once: true });
    history.back();
  };
}

/** go goes somewhere; with replace, and from what lies over the page, the step before is forgotten. */
export function go(to: Route, how: { replace?: boolean } = {}): void {
  const address = format(to);
  if (returning) {
    addEventListener("popstate", () => go(to, how), { once: true });
    return;
  }
  if (address === format(route.value)) return;
  if (how.replace || overNow()) history.replaceState({ depth: depth() }, "", address);
  else history.pushState({ depth: depth() + 1 }, "", address);
  route.value = to;
}

/** back goes one step back, like the button of a phone, or to a place if there is none. */
export function back(otherwise: Route): void {
  if (depth() > 0) history.back();
  else go(otherwise, { replace: true });
}

/** follow keeps route to what the browser's own buttons and address bar say. */
export function follow(): void {
  const take = () => {
    const now = parse(location.hash);
    if (format(now) !== format(route.value)) route.value = now;
  };
  addEventListener("popstate", take);
  addEventListener("hashchange", take);
}
