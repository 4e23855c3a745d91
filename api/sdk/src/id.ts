// Ids that nobody can guess, and numbers of 64 bits.

const letters = 'abcdefghijklmnopqrstuvwxyz234567';

/** newId is a random name of 24 letters: for requests, devices, tabs. It needs no secure context, as crypto.randomUUID does. */
export function newId(): string {
  let id = '';
  for (const b of crypto.getRandomValues(new Uint8Array(24))) id += letters[b & 31];
  return id;
}

/** big reads a number of 64 bits as it is in JSON; what is none is 0. */
export function big(s: string | number | undefined): bigint {
  return s !== undefined && /^\d{1,19}$/.test(String(s)) ? BigInt(s) : 0n;
}

/** max is the larger of two. */
export const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);
