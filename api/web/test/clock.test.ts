import { beforeEach, describe, expect, it } from "vitest";
import { agoOf, dayOf } from "../src/state/clock.ts";
import { speak } from "../src/words/index.ts";

const now = new Date(2026, 5, 10, 12, 0).getTime(); // a Wednesday
const minute = 60_000;
const day = 24 * 60 * minute;

describe("when something was", () => {
  beforeEach(() => speak("en"));

  it("is said as briefly as it can be, in both languages", () => {
    const said = (passed: number) => agoOf(now - passed, now);
    expect(said(0)).toBe("now");
    expect(said(5 * minute)).toMatch(/^5\s?m/);
    expect(said(3 * 60 * minute)).toMatch(/^9:00/);
    expect(said(day)).toBe("Yesterday");
    expect(said(2 * day)).toBe("Mon");
    expect(said(30 * day)).toBe("May 11");
    expect(said(400 * day)).toContain("2025");
    speak("zh-CN");
    expect(said(5 * minute)).toBe("5分钟前");
    expect(said(day)).toBe("昨天");
    expect(said(2 * day)).toBe("周一");
  });

  it("is now for a message from the future of a slow clock", () => {
    expect(agoOf(now + 10 * minute, now)).toBe("now");
    expect(dayOf(now + day, now)).toBe("Today");
  });

  it("is a day before at midnight, not after 24 hours", () => {
    expect(dayOf(new Date(2026, 5, 9, 23, 59).getTime(), new Date(2026, 5, 10, 0, 1).getTime())).toBe("Yesterday");
  });
});
