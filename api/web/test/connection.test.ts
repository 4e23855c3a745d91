import { describe, expect, it } from "vitest";
import { said } from "../src/screens/home/connection.tsx";
import { en } from "../src/words/en.ts";

const well = { phase: "online", behind: false, unsent: 0 } as const;

describe("what the connection bar says", () => {
  it("is nothing when all is well", () => {
    expect(said(en, well)).toBe("");
    expect(said(en, { ...well, phase: "signedOut" })).toBe("");
  });

  it("names what is wrong, and how much waits for it", () => {
    expect(said(en, { ...well, phase: "waiting", reason: "OFFLINE", unsent: 3 })).toBe(`${en.offlineNow} ${en.unsent(3)}`);
    expect(said(en, { ...well, behind: true }, false)).toBe(en.offlineNow);
    expect(said(en, { ...well, phase: "waiting", reason: "SILENT" })).toBe(en.lost);
    expect(said(en, { ...well, phase: "connecting" })).toBe(en.connecting);
    expect(said(en, { ...well, behind: true })).toBe(en.catchingUp);
    expect(said(en, { ...well, unsent: 1 })).toBe(en.unsent(1));
  });
});
