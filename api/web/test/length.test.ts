import { describe, expect, it } from "vitest";
import { bytesLeft, mostTextBytes, nearEnd } from "../src/state/length.ts";

describe("the room that a text has", () => {
  it("is counted in bytes, near the end", () => {
    expect(bytesLeft("a".repeat(mostTextBytes))).toBe(0);
    expect(bytesLeft("a".repeat(mostTextBytes + 1))).toBe(-1);
    expect(bytesLeft("字".repeat(5461))).toBe(1);
    expect(bytesLeft("字".repeat(5462))).toBe(-2);
    expect(bytesLeft("👋".repeat(4096))).toBe(0);
  });

  it("leaves out the blanks that are not sent", () => {
    expect(bytesLeft(`${" ".repeat(mostTextBytes)}a`)).toBe(mostTextBytes - 1);
  });

  it("is not told of a text that is short", () => {
    for (const text of ["", "hello", "字".repeat(5000), "a".repeat(15_000)]) expect(bytesLeft(text)).toBeGreaterThanOrEqual(nearEnd);
    expect(bytesLeft("字".repeat(5200))).toBeLessThan(nearEnd);
  });
});
