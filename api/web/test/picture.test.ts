import { describe, expect, it } from "vitest";
import { fit } from "../src/screens/conversation/picture.tsx";

describe("the place of a picture", () => {
  it("has its shape, within bounds, whatever somebody says of it", () => {
    expect(fit(640, 400)).toEqual({ width: 320, height: 200 });
    expect(fit(400, 640)).toEqual({ width: 200, height: 320 });
    expect(fit(120, 100)).toEqual({ width: 120, height: 100 });
    expect(fit(1, 100_000)).toEqual({ width: 104, height: 320 });
    for (const [width, height] of [
      [0, 0],
      [-1, 5],
      [Number.NaN, 3],
    ] as const)
      expect(fit(width, height)).toEqual({ width: 240, height: 180 });
  });
});
