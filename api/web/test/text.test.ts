import { describe, expect, it } from "vitest";
import { hueOf, initialsOf } from "../src/parts/avatar.tsx";
import { isPictures, split } from "../src/parts/text.tsx";
import { isolated } from "../src/state/names.ts";

const links = (text: string) => split(text).flatMap(({ href }) => href ?? []);

describe("links in a text", () => {
  it("are found, without the punctuation behind them", () => {
    expect(links("see https://a.example/x_(y), and http://b.example.")).toEqual(["https://a.example/x_(y)", "http://b.example/"]);
    expect(links("（https://a.example/路）。")).toEqual(["https://a.example/%E8%B7%AF"]);
  });

  it("are http and https and nothing else", () => {
    for (const text of [
      "javascript:alert(1)",
      "data:text/html,x",
      "file:///etc/passwd",
      "JaVaScRiPt://x",
      "//a.example",
      "https://",
      "https:///",
      "xhttp:x",
    ]) {
      expect(links(text)).toEqual([]);
    }
  });

  it("leave the text as it was", () => {
    for (const text of ["", "no link", "https://a.example", "a https://a.example\n<b>https://b.example</b>!"]) {
      expect(
        split(text)
          .map((piece) => piece.text)
          .join(""),
      ).toBe(text);
    }
  });
});

describe("emoji alone", () => {
  it("are told from text and from numbers", () => {
    for (const text of ["👍", "😄👍", "👨‍👩‍👧", "❤️"]) expect(isPictures(text)).toBe(true);
    for (const text of ["", "1", "12 3", "#", "a👍", "👍 ok"]) expect(isPictures(text)).toBe(false);
  });
});

describe("initials", () => {
  it("are one character of ideographs, two of other names", () => {
    expect(initialsOf("诸葛亮")).toBe("诸");
    expect(initialsOf("Ada Lovelace")).toBe("AL");
    expect(initialsOf("liubei")).toBe("L");
    expect(initialsOf("  <script>  ")).toBe("S");
    expect(initialsOf("🐼 Panda")).toBe("🐼");
    expect(initialsOf("李 Ming")).toBe("李");
    expect(initialsOf("")).toBe("");
  });

  it("have a colour that stays", () => {
    expect(hueOf("u1")).toBe(hueOf("u1"));
    for (const id of ["", "a", "诸葛亮"]) expect(hueOf(id)).toBeGreaterThanOrEqual(0);
  });
});

describe("a name in a sentence", () => {
  it("cannot turn what stands around it", () => {
    expect(isolated("a\u202Eb\u2069c")).toBe("\u2068abc\u2069");
  });
});
