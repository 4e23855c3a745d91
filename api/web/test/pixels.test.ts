import { describe, expect, it } from "vitest";
import { pixelsOf } from "../src/state/pixels.ts";

const bytes = (...parts: (string | number[])[]): ArrayBuffer =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === "string" ? [...part].map((c) => c.charCodeAt(0)) : part))).buffer;

const png = bytes("\x89PNG\r\n\x1a\n", [0, 0, 0, 13], "IHDR", [0, 0, 0x4e, 0x20, 0, 0, 0x27, 0x10], [1, 0, 0, 0, 0]);
const jpeg = bytes(
  [0xff, 0xd8],
  [0xff, 0xe1, 0, 6, 1, 2, 3, 4],
  [0xff, 0xff, 0xc4, 0, 3, 9],
  [0xff, 0xc2, 0, 17, 8, 0x02, 0x58, 0x03, 0x20, 3],
);

describe("the size of a picture", () => {
  it("is read from the head of its file", () => {
    expect(pixelsOf(png)).toEqual({ width: 20_000, height: 10_000 });
    expect(pixelsOf(jpeg)).toEqual({ width: 800, height: 600 });
    expect(pixelsOf(bytes("GIF89a", [0x40, 1, 0xf0, 0]))).toEqual({ width: 320, height: 240 });
  });

  it("is read of the three kinds of WebP", () => {
    const head = (kind: string) => bytes("RIFF", [0, 0, 0, 0], "WEBP", kind, [0, 0, 0, 0]);
    const with_ = (kind: string, ...rest: number[]) => bytes(String.fromCharCode(...new Uint8Array(head(kind))), rest);
    expect(pixelsOf(with_("VP8X", 0, 0, 0, 0, 0xff, 0xff, 0, 0x0f, 0, 0))).toEqual({ width: 65_536, height: 16 });
    expect(pixelsOf(with_("VP8L", 0x2f, 0xff, 0xc0, 0x12, 0))).toEqual({ width: 256, height: 76 });
    expect(pixelsOf(with_("VP8 ", 0, 0, 0, 0x9d, 0x01, 0x2a, 0x20, 0x03, 0x58, 0x02))).toEqual({ width: 800, height: 600 });
  });

  it("is not known of what breaks off, or is something else", () => {
    for (const whole of [png, jpeg]) for (let n = 0; n < 24; n++) expect(pixelsOf(whole.slice(0, n)), `${n} bytes`).toBeNull();
    expect(pixelsOf(bytes("<!doctype html><script>1</script>"))).toBeNull();
    expect(pixelsOf(bytes("RIFF", [0, 0, 0, 0], "WAVE", "data", [0, 0, 0, 0]))).toBeNull();
    expect(pixelsOf(bytes([0xff, 0xd8, 0x00, 0x01, 0x02, 0x03]))).toBeNull();
  });
});
