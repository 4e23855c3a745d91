// Pictures: their bytes go to api and come from there.

import { json } from './door.ts';
import { ParleyError } from './error.ts';
import type { Parts } from './parts.ts';

/** kept is how many blob: URLs are good at the same time. */
const kept = 100;

/** patience is how long bytes may take, in ms. */
const patience = 120_000;

/** types are the ones a blob: URL may have: nothing that a browser would run. */
const types = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);

/** Images keeps the URLs of the newest. */
export class Images {
  private readonly p: Parts;
  private readonly urls = new Map<string, Promise<string>>();

  constructor(p: Parts) {
    this.p = p;
  }

  clear(): void {
    for (const url of this.urls.values()) revoke(url);
    this.urls.clear();
  }

  /** get is a blob: URL of a picture. */
  get(conversation: string, seq: bigint, thumbnail: boolean): Promise<string> {
    const name = nameOf(conversation, seq, thumbnail);
    const url = this.urls.get(name) ?? this.fetch(conversation, seq, thumbnail);
    this.keep(name, url);
    url.catch(() => this.urls.get(name) === url && this.urls.delete(name));
    return url;
  }

  /** seed takes one's own picture, whose bytes are here. */
  seed(conversation: string, seq: bigint, blob: Blob): void {
    if (!types.has(blob.type)) return;
    for (const thumbnail of [true, false]) {
      this.keep(nameOf(conversation, seq, thumbnail), Promise.resolve(URL.createObjectURL(blob)));
    }
  }

  private keep(name: string, url: Promise<string>): void {
    this.urls.delete(name);
    this.urls.set(name, url);
    for (const [old, its] of this.urls) {
      if (this.urls.size <= kept) break;
      this.urls.delete(old);
      revoke(its);
    }
  }

  private async fetch(conversation: string, seq: bigint, thumbnail: boolean): Promise<string> {
    const path = `/v1/images/${encodeURIComponent(conversation)}/${seq}${thumbnail ? '?thumbnail=1' : ''}`;
    return this.authorized(path, undefined, async (res) => {
      const type = (res.headers.get('Content-Type') ?? '').split(';')[0]!.trim().toLowerCase();
      if (!types.has(type)) throw new ParleyError('INVALID', 'not a picture');
      return URL.createObjectURL(new Blob([await res.arrayBuffer()], { type }));
    });
  }

  /** upload gives a picture to api and returns the ticket with which it is sent. */
  async upload(conversation: string, blob: Blob, name: string): Promise<string> {
    const path = `/v1/images/${encodeURIComponent(conversation)}?name=${encodeURIComponent(name.toWellFormed?.() ?? name)}`;
    const body = (await this.authorized(path, blob, json)) as { ticket?: unknown };
    if (typeof body.ticket !== 'string') throw new ParleyError('UNAVAILABLE', 'no ticket came', true);
    return body.ticket;
  }

  /** authorized asks api, with another token if the first is not good. */
  private async authorized<T>(path: string, body: Blob | undefined, read: (res: Response) => Promise<T>): Promise<T> {
    const { door, session } = this.p;
    const access = session.access;
    try {
      return await door.fetch(path, body, true, patience, read);
    } catch (e) {
      if (!(e instanceof ParleyError) || e.reason !== 'UNAUTHENTICATED' || !session.user) throw e;
      await session.renewed(access);
      return door.fetch(path, body, true, patience, read);
    }
  }
}

const nameOf = (conversation: string, seq: bigint, thumbnail: boolean): string =>
  `${conversation}/${seq}/${thumbnail ? 't' : 'f'}`;

function revoke(url: Promise<string>): void {
  url.then(
    (u) => URL.revokeObjectURL(u),
    () => {},
  );
}
