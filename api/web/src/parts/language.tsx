import { language, speak, words } from "../words/index.ts";

/** LanguageButton switches to the other language, in whose words it says so. */
export function LanguageButton() {
  const other = language.value === "en" ? "zh-CN" : "en";
  return (
    <button type="button" class="button quiet" lang={other} onClick={() => speak(other)}>
      {words.value.switchLanguage}
    </button>
  );
}
