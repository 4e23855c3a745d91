// What a call ends with in place of an answer.

/** ParleyError is what the server refused, or why there was no answer. */
export class ParleyError extends Error {
  /** reason is for programs: RATE_LIMITED, NOT_FOUND, UNAVAILABLE … */
  readonly reason: string;
  /** temporary says that the same call may succeed later. */
  readonly temporary: boolean;
  /** retryAfterMs is how long to wait before; 0: not said. */
  readonly retryAfterMs: number;
  /** unanswered says that nobody answered: what was asked for may have happened. */
  readonly unanswered: boolean;

  constructor(reason: string, message: string, temporary = false, retryAfterMs = 0, unanswered = false) {
    super(message);
    this.name = 'ParleyError';
    this.reason = reason;
    this.temporary = temporary;
    this.retryAfterMs = retryAfterMs;
    this.unanswered = unanswered;
  }
}

/** lost is the error of a call whose conn ended before the answer, or of a request that reached nobody. */
export const lost = () => new ParleyError('UNAVAILABLE', 'the connection was lost before the answer came', true, 0, true);

/** late is the error of a call that was not answered in time. */
export const late = () => new ParleyError('DEADLINE_EXCEEDED', 'no answer in time', true, 0, true);

/** signedOut is the error of a call that needs a sign-in when there is none. */
export const signedOut = () => new ParleyError('UNAUTHENTICATED', 'not signed in');

/** maxRetryAfter bounds what a server may ask a client to wait. */
const maxRetryAfter = 10 * 60_000;

/** errorOf reads the error of an answer: {reason, message, temporary, retryAfterMs}. */
export function errorOf(e: unknown, message?: unknown): ParleyError {
  const o = (typeof e === 'object' && e !== null ? e : {}) as Record<string, unknown>;
  const said = typeof o.message === 'string' ? o.message : message;
  const wait = Number(o.retryAfterMs);
  return new ParleyError(
    typeof o.reason === 'string' && o.reason !== '' ? o.reason : 'INTERNAL',
    typeof said === 'string' ? said : 'no reason was given',
    o.temporary === true,
    wait > 0 ? Math.min(wait, maxRetryAfter) : 0,
  );
}

/** parleyError is any error as a ParleyError. */
export function parleyError(e: unknown): ParleyError {
  return e instanceof ParleyError ? e : new ParleyError('INTERNAL', e instanceof Error ? e.message : String(e));
}
