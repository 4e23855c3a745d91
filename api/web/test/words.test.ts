import { describe, expect, it } from "vitest";
import { en } from "../src/words/en.ts";
import { choose, language, speak } from "../src/words/index.ts";
import { zh } from "../src/words/zh.ts";

describe("words", () => {
  it("are the same ones in every language, none of them empty", () => {
    expect(Object.keys(zh).sort()).toEqual(Object.keys(en).sort());
    expect(Object.keys(zh.errors).sort()).toEqual(Object.keys(en.errors).sort());
    for (const words of [en, zh]) {
      for (const [key, word] of Object.entries(words)) {
        const said = typeof word === "function" ? (word as (...of: unknown[]) => string)("a", "b") : word;
        expect(said, key).toBeTruthy();
      }
    }
  });

  it("are not left in the other language", () => {
    const latin = Object.entries(zh).filter(
      ([key, word]) => typeof word === "string" && /^[\x20-\x7e]+$/.test(word) && key !== "switchLanguage",
    );
    expect(latin).toEqual([]);
  });

  it("are in the first of a person's languages that the page speaks", () => {
    expect(choose(["fr-FR", "zh-TW", "en"])).toBe("zh-CN");
    expect(choose(["en-GB", "zh"])).toBe("en");
    expect(choose(["de"])).toBe("en");
    expect(choose([])).toBe("en");
  });

  it("say in which language the page is", () => {
    speak("zh-CN");
    expect(document.documentElement.lang).toBe("zh-CN");
    expect(language.value).toBe("zh-CN");
    speak("en");
    expect(document.documentElement.lang).toBe("en");
  });
});
