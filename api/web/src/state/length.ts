/** mostTextBytes is the longest text that a server takes, in bytes of UTF-8. */
export const mostTextBytes = 16384;

/** nearEnd is when somebody wants to know how much room is left, in bytes. */
export const nearEnd = 1000;

const encoder = new TextEncoder();

/** bytesLeft is how much longer a text may become, as it is sent; below 0 it is too long. */
export function bytesLeft(text: string): number {
  // No character has more bytes than three for each unit, so nearly all texts need not be looked at.
  if (text.length * 3 <= mostTextBytes - nearEnd) return mostTextBytes - text.length;
  return mostTextBytes - encoder.encode(text.trim()).length;
}
