import "./avatar.css";
import { Icon } from "./icons.tsx";

const hues = 12;

/** hueOf gives an id its colour, the same everywhere. */
export function hueOf(id: string): number {
  let hash = 2_166_136_261;
  for (const unit of new TextEncoder().encode(id)) hash = Math.imul(hash ^ unit, 16_777_619);
  // Ids made in one moment differ in few places; this spreads them.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % hues;
}

const characters = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** initialsOf are one character of a name in ideographs, two initials of other names. */
export function initialsOf(name: string): string {
  const visible = name.replace(/[\p{C}\p{P}\p{S}]/gu, (c) => (/\p{Extended_Pictographic}|\u200d|\ufe0f/u.test(c) ? c : " ")).trim();
  const first = (text: string) => characters.segment(text)[Symbol.iterator]().next().value?.segment ?? "";
  const words = visible.split(/\s+/).filter(Boolean);
  const head = first(words[0] ?? name.trim());
  if (
    words.length < 2 ||
    !/^\p{L}\p{M}*$/u.test(head) ||
    /\p{Ideographic}|\p{Script=Hangul}|\p{Script=Hiragana}|\p{Script=Katakana}/u.test(head)
  ) {
    return head.toLocaleUpperCase();
  }
  return (head + first(words.at(-1) ?? "")).toLocaleUpperCase();
}

interface Props {
  id: string;
  name: string;
  size?: "small" | "normal" | "large";
  /** shape: people are round, conversations of several are not. */
  shape?: "person" | "group" | "room";
  online?: boolean;
}

/** Avatar is the picture of somebody; the name that stands beside it says who. */
export function Avatar({ id, name, size = "normal", shape = "person", online = false }: Props) {
  return (
    <span class={`avatar ${size} of-${shape} hue-${hueOf(id)}`} aria-hidden="true">
      {shape === "room" ? <Icon of="hash" /> : initialsOf(name)}
      {online && <span class="dot" />}
    </span>
  );
}
