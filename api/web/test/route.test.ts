import { describe, expect, it } from "vitest";
import { format, parse, type Route } from "../src/state/route.ts";

describe("addresses", () => {
  const routes: Route[] = [
    { at: "home" },
    { at: "people" },
    { at: "talk", id: "0198-ab", people: false },
    { at: "talk", id: "a/b?c#d%", people: true },
    { at: "with", name: "诸葛亮" },
    { at: "with", name: "a/b <script>" },
  ];
  for (const route of routes) {
    it(`${format(route)} leads back to where it came from`, () => {
      expect(parse(format(route))).toEqual(route);
    });
  }

  it("that say nothing known lead home", () => {
    for (const hash of ["", "#", "#/", "#/c/", "#/with/", "#/else/x", "#/with/%", "#/c/%E0%A4%A"])
      expect(parse(hash)).toEqual({ at: "home" });
  });
});
