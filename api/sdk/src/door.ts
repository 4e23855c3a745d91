// Calls: over the socket when it is open, otherwise over HTTP, and what is safe, again.

import { type Methods, methods } from './chat.ts';
import { errorOf, late, lost, ParleyError, parleyError, signedOut } from './error.ts';
import { newId } from './id.ts';
import { Pace, sleep } from './pace.ts';
import type { Parts } from './parts.ts';
import { Socket } from './socket.ts';
import { answered } from './take.ts';

/** within is how long an answer may take, in ms. */
const within = 10_000;

/** insist is how long a call is repeated, in ms. */
const insist = 30_000;

/** withRequestId are the methods whose requests have an id that makes a repeat harmless. */
const withRequestId = new Set<keyof Methods>([
  'signUp',
  'signInGuest',
  'refresh',
  'createGroup',
  'createRoom',
  'addMembers',
  'leaveConversation',
  'sendMessage',
  'editMessage',
  'recallMessage',
]);

type Request<M extends keyof Methods> = Methods[M]['request'];
type Response<M extends keyof Methods> = Methods[M]['response'];

/** Door makes calls. */
export class Door {
  private readonly p: Parts;

  constructor(p: Parts) {
    this.p = p;
  }

  /** call makes a call until there is an answer for good, or for 30 s. */
  async call<M extends keyof Methods>(method: M, params: Request<M>): Promise<Response<M>> {
    const { env, session } = this.p;
    const asked = { ...params } as Record<string, unknown>;
    if (withRequestId.has(method)) asked.requestId ||= newId();
    const pace = new Pace(env.random);
    const until = env.now() + insist;
    const begun = env.now();
    for (let refused = 0; ; ) {
      const access = session.access;
      try {
        return await this.once(method, asked as Request<M>);
      } catch (e) {
        const error = parleyError(e);
        const stale = error.reason === 'UNAUTHENTICATED' && methods[method].access !== 'open' && session.user !== null;
        const spent = env.now() >= until || env.now() < begun;
        if (stale && refused++ < 2) await this.freshen(access);
        else if (!error.temporary || spent || (error.unanswered && methods[method].repeat === 'no')) throw error;
        await sleep(pace.next(error.retryAfterMs));
      }
    }
  }

  /** once makes a call once. */
  async once<M extends keyof Methods>(method: M, params: Request<M>): Promise<Response<M>> {
    const { link, env } = this.p;
    const { access } = methods[method];
    if (link.socket && (link.live || access === 'open')) return (await link.socket.call(method, params, within)) as Response<M>;
    if (access === 'socket') throw lost();
    try {
      return await this.http(method, params);
    } catch (e) {
      if (!(e instanceof ParleyError && e.unanswered) || access !== 'open') throw e;
      for (const url of link.known().slice(0, 2)) {
        const res = await this.aside(url, method, params);
        if (res) return res as Response<M>;
      }
      throw env.gateways ? lost() : e;
    }
  }

  /** freshen gets another token, for the conn too. */
  private async freshen(stale: string): Promise<void> {
    if (this.p.link.live) return this.p.sync.renew();
    await this.p.session.renewed(stale);
  }

  private async http<M extends keyof Methods>(method: M, params: Request<M>): Promise<Response<M>> {
    const since = this.p.frames.n;
    const withToken = methods[method].access !== 'open';
    const result = (await this.fetch(`/v1/${method}`, JSON.stringify(params), withToken, within, json)) as Response<M>;
    answered(this.p, method, params, result, since);
    return result;
  }

  /** fetch asks api for anything, once, and reads the answer, all within patience. A status that is no success is a ParleyError. body: what is posted. */
  async fetch<T>(
    path: string,
    body: BodyInit | undefined,
    withToken: boolean,
    patience: number,
    read: (res: globalThis.Response) => Promise<T>,
  ): Promise<T> {
    const { env, session } = this.p;
    const headers: Record<string, string> = {};
    if (typeof body === 'string') headers['Content-Type'] = 'application/json';
    if (withToken) {
      const access = session.access || (session.user ? await session.renewed('') : '');
      if (!access) throw signedOut();
      headers.Authorization = `Bearer ${access}`;
    }
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), patience);
    try {
      const res = await env.fetch(env.api + path, {
        method: body === undefined ? 'GET' : 'POST',
        headers,
        signal: abort.signal,
        credentials: 'omit',
        cache: 'no-store',
        ...(body === undefined ? {} : { body }),
      });
      if (!res.ok) throw await refusal(res);
      return await read(res);
    } catch (e) {
      if (e instanceof ParleyError) throw e;
      throw abort.signal.aborted ? late() : lost();
    } finally {
      clearTimeout(timer);
    }
  }

  /** aside makes a call over a socket of its own, when nothing else is there; undefined: nobody answered. */
  private aside(url: string, method: keyof Methods, params: unknown): Promise<unknown> {
    return new Promise((good, bad) => {
      const socket = new Socket(this.p.env, { n: 0 }, url, 3000, {
        opened: () => {
          socket
            .call(method, params, 5000)
            .then(good, (e) => (parleyError(e).unanswered ? good(undefined) : bad(e)))
            .finally(() => socket.cut('DONE'));
        },
        pushed: () => {},
        answered: () => {},
        ended: () => good(undefined),
      });
    });
  }
}

/** json reads an answer; what is no JSON came from somebody else, a proxy perhaps, and is as good as none. */
export const json = async (res: globalThis.Response): Promise<unknown> => (await res.json()) ?? {};

/** refusal is the error of an answer that is none. */
async function refusal(res: globalThis.Response): Promise<ParleyError> {
  const body = (await res.json().catch(() => null)) as { error?: unknown } | null;
  if (body?.error) return errorOf(body.error);
  const temporary = res.status >= 500 || res.status === 429 || res.status === 408;
  const reason = { 401: 'UNAUTHENTICATED', 403: 'FORBIDDEN', 404: 'NOT_FOUND', 413: 'TOO_LARGE' }[res.status];
  const wait = Number(res.headers.get('Retry-After')) * 1000;
  return errorOf({
    reason: reason ?? (temporary ? 'UNAVAILABLE' : 'INVALID'),
    message: `HTTP ${res.status}`,
    temporary,
    retryAfterMs: wait,
  });
}
