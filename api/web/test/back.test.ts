import { beforeEach, describe, expect, it, vi } from "vitest";
import { follow, go, over, route } from "../src/state/route.ts";

// steps is the history of a browser: what happy-dom has does not go back.
let steps: { state: unknown; url: string }[];
let at: number;
const here = () => steps[at] ?? { state: null, url: "#/" };

const pop = () => {
  at--;
  location.hash = here().url;
  dispatchEvent(new PopStateEvent("popstate"));
};

beforeEach(() => {
  steps = [{ state: null, url: "#/" }];
  at = 0;
  vi.spyOn(history, "state", "get").mockImplementation(() => here().state);
  vi.spyOn(history, "pushState").mockImplementation((state, _, url) => {
    steps = [...steps.slice(0, at + 1), { state, url: String(url ?? here().url) }];
    at++;
  });
  vi.spyOn(history, "replaceState").mockImplementation((state, _, url) => {
    steps[at] = { state, url: String(url ?? here().url) };
  });
  vi.spyOn(history, "back").mockImplementation(() => void queueMicrotask(pop));
  route.value = { at: "home" };
});

follow();
const tick = () => new Promise((done) => setTimeout(done));

describe("what lies over the page", () => {
  it("is taken away by back, and the page stays", () => {
    go({ at: "talk", id: "c", people: false });
    const close = vi.fn();
    const gone = over(close);
    pop();
    expect(close).toHaveBeenCalledOnce();
    gone();
    expect(route.value).toEqual({ at: "talk", id: "c", people: false });
    expect(at).toBe(1);
    expect(history.back).not.toHaveBeenCalled();
  });

  it("takes its step with it when something else closes it", async () => {
    const close = vi.fn();
    over(close)();
    await tick();
    expect(at).toBe(0);
    expect(close).not.toHaveBeenCalled();
  });

  it("is no step between two places", async () => {
    const gone = over(() => {});
    go({ at: "talk", id: "new", people: false });
    gone();
    await tick();
    expect(at).toBe(1);
    expect(steps.map((step) => step.url)).toEqual(["#/", "#/c/new"]);
    expect(route.value).toEqual({ at: "talk", id: "new", people: false });
  });

  it("may send somewhere while its step goes", async () => {
    over(() => {})();
    go({ at: "people" });
    await tick();
    expect(steps.map((step) => step.url)).toEqual(["#/", "#/people"]);
    expect(route.value).toEqual({ at: "people" });
  });

  it("is not taken for one that lay there before the page was loaded again", async () => {
    go({ at: "talk", id: "c", people: false });
    vi.resetModules();
    const before = await import("../src/state/route.ts");
    before.over(() => {}); // its step is the first with a number, and stays
    vi.resetModules();
    const now = await import("../src/state/route.ts");
    const close = vi.fn();
    const gone = now.over(close);
    pop();
    expect(close).toHaveBeenCalledOnce();
    gone();
    await tick();
    expect(at).toBe(2);
    expect(here().url).toBe("#/c/c");
  });

  it("may lie over another", () => {
    const lower = vi.fn();
    const upper = vi.fn();
    over(lower);
    over(upper);
    pop();
    expect(upper).toHaveBeenCalledOnce();
    expect(lower).not.toHaveBeenCalled();
  });
});
