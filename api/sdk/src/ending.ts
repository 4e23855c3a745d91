// What the end of a conn means.

/** Ending is what to do after a conn. */
export interface Ending {
  reason: string;
  /** again: come back. */
  again: boolean;
  /** elsewhere: to another gateway, if there is one. */
  elsewhere: boolean;
  /** moved: the gateway leaves, or has more conns than others. */
  moved: boolean;
  /** atOnce: without a pause, the first time. */
  atOnce: boolean;
  /** token: with another token. */
  token: boolean;
  /** signedOut: the sign-in has ended. */
  signedOut: boolean;
  /** after: not before so many ms. */
  after: number;
}

/** reasons are those of close codes that have one of their own. */
const reasons: Record<number, string> = {
  1001: 'RESTART',
  1012: 'RESTART',
  1013: 'UNAVAILABLE',
  4001: 'TOO_SLOW',
  4002: 'SILENT',
  4004: 'RENEW',
  4501: 'EXPIRED',
  4504: 'REVOKED',
  4505: 'REFUSED',
};

/** endingOf reads a close code, as docs/operating.md lists them. 1006 has the reason with which it was cut. */
export function endingOf(code: number, reason: string): Ending {
  const again = (code >= 4000 && code < 4500) || [1001, 1005, 1006, 1011, 1012, 1013].includes(code);
  const lost = code === 1006 && /^[A-Z_]+$/.test(reason) ? reason : 'LOST';
  return {
    reason: reasons[code] ?? (again ? lost : 'ENDED'),
    again,
    elsewhere: code !== 4001 && code !== 4004,
    moved: code === 1012,
    atOnce: code === 4001 || code === 4004,
    token: code === 4004,
    signedOut: code === 4501 || code === 4504,
    after: code === 1012 ? delayIn(reason) : 0,
  };
}

/** delayIn finds the delay in the reason of a 1012: "retry-after-ms=1234"; at most ten minutes. */
function delayIn(reason: string): number {
  return Math.min(Number(/retry-after-ms=(\d{1,9})/.exec(reason)?.[1] ?? 0), 600_000);
}
