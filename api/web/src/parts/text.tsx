import type { ComponentChildren } from "preact";

// Where an address ends: blanks, quotes, brackets and the punctuation of
// Chinese, which stands without a blank behind it.
const address = /https?:\/\/[^\s<>"'`，。；：！？、（）【】《》「」『』“”]+/gi;
const trailing = /[.,;:!?)\]}*_~]+$/;

/** Piece is a part of a text: as it is, or with where it leads. */
export interface Piece {
  text: string;
  href?: string;
}

/** split finds the addresses in a text. Nothing but http and https is one. */
export function split(text: string): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const found of text.matchAll(address)) {
    const shown = found[0].replace(trailing, (end, at: number, whole: string) =>
      end.startsWith(")") && whole.slice(0, at).includes("(") ? ")" : "",
    );
    const href = hrefOf(shown);
    if (!href) continue;
    if (found.index > from) pieces.push({ text: text.slice(from, found.index) });
    pieces.push({ text: shown, href });
    from = found.index + shown.length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from) });
  return pieces;
}

function hrefOf(text: string): string | undefined {
  try {
    const url = new URL(text);
    return (url.protocol === "http:" || url.protocol === "https:") && url.hostname !== "" ? url.href : undefined;
  } catch {
    return undefined;
  }
}

const pictures = /^(?:\p{Extended_Pictographic}|\p{Emoji_Component}|\s){1,12}$/u;
const plain = /^[\d#*\s]*$/;

/** isPictures says that a text is a few emoji and nothing else. */
export const isPictures = (text: string): boolean => pictures.test(text) && !plain.test(text);

/** Text shows what somebody wrote: as text, with links, whatever it contains. */
export function Text({ children }: { children: string }): ComponentChildren {
  return split(children).map((piece) =>
    piece.href ? (
      <a href={piece.href} target="_blank" rel="noopener noreferrer nofollow" dir="ltr">
        {piece.text}
      </a>
    ) : (
      piece.text
    ),
  );
}
