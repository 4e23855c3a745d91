import { describe, expect, it } from "vitest";
import { countAfter, firstNew, lastSeq, rowsOf } from "../src/screens/conversation/rows.ts";
import type { Line } from "../src/state/parley.ts";
import { stored } from "./fake/world.ts";

const noon = new Date(2026, 5, 10, 12, 0).getTime();
const minute = 60_000;
const line = (seq: number, sender: string, at: number, more = {}): Line =>
  stored(BigInt(seq), sender, "me", `text ${seq}`, { sentAt: at, ...more });
const show = (lines: readonly Line[], options = {}) =>
  rowsOf(lines, { me: "me", whole: false, newFrom: "", ...options }).map((row) =>
    row.kind === "line" ? `${row.key}${row.first ? " first" : ""}${row.last ? " last" : ""}` : row.kind,
  );

describe("rowsOf", () => {
  it("puts lines of one person that follow each other together", () => {
    expect(
      show([line(1, "a", noon), line(2, "a", noon + minute), line(3, "b", noon + 2 * minute), line(4, "b", noon + 9 * minute)]),
    ).toEqual(["day", "s1 first", "s2 last", "s3 first last", "s4 first last"]);
  });

  it("begins anew behind a new day, what is new, and a line of the system", () => {
    const next = noon + 24 * 60 * minute;
    const lines = [line(1, "a", noon), line(2, "a", next), line(3, "a", next), line(4, "a", next, { kind: "left" }), line(5, "a", next)];
    expect(show(lines, { newFrom: "s3" })).toEqual([
      "day",
      "s1 first last",
      "day",
      "s2 first last",
      "new",
      "s3 first last",
      "system",
      "s5 first last",
    ]);
  });

  it("says where a conversation begins, once all of it is there", () => {
    expect(show([], { whole: true })).toEqual(["begin"]);
  });

  it("puts what is unsent to what one has said just before", () => {
    const unsent: Line = { state: "pending", key: "u", kind: "text", text: "x", mine: true };
    expect(show([line(1, "me", noon), unsent])).toEqual(["day", "s1 first", "u last"]);
  });

  it("keeps a recalled line in its place, as a line of the system", () => {
    expect(show([line(1, "a", noon), line(2, "a", noon, { recalled: true, text: "" }), line(3, "a", noon)])).toEqual([
      "day",
      "s1 first last",
      "system",
      "s3 first last",
    ]);
  });
});

describe("what is new", () => {
  const lines = [line(1, "a", noon), line(2, "me", noon), line(9, "a", noon), line(10, "a", noon, { kind: "left" }), line(11, "b", noon)];

  it("begins with the first line of others behind the mark, by number and not by letter", () => {
    expect(firstNew(lines, 1n)).toBe("s9");
    expect(firstNew(lines, 9n)).toBe("s10");
    expect(firstNew(lines, 11n)).toBe("");
  });

  it("counts what others wrote", () => {
    expect(countAfter(lines, 1n)).toBe(2);
    expect(countAfter(lines, 9n)).toBe(1);
  });

  it("ends with the last stored line, whatever is unsent behind it", () => {
    expect(lastSeq([...lines, { state: "failed", key: "u", kind: "text", text: "x", mine: true }])).toBe(11n);
    expect(lastSeq([])).toBe(0n);
  });
});
