// What a client is made of. Each part knows the others by this.

import type { Bell } from './bell.ts';
import type { Book } from './book.ts';
import type { Door } from './door.ts';
import type { Images } from './images.ts';
import type { Link } from './link.ts';
import type { Marks } from './marks.ts';
import type { Outbox } from './outbox.ts';
import type { People } from './people.ts';
import type { Presence } from './presence.ts';
import type { Repair } from './repair.ts';
import type { Session } from './session.ts';
import type { Status } from './status.ts';
import type { Store } from './storage.ts';
import type { Sync } from './sync.ts';

/** Env is the world outside. */
export interface Env {
  readonly api: string;
  readonly gateways: readonly string[] | undefined;
  readonly program: { name: string; version: string };
  readonly device: string;
  readonly now: () => number;
  readonly random: () => number;
  readonly WebSocket: typeof WebSocket;
  readonly fetch: typeof fetch;
  readonly store: Store;
}

/** Parts are all of them. */
export interface Parts {
  readonly env: Env;
  /** frames counts what came, over all sockets. */
  readonly frames: { n: number };
  readonly bell: Bell;
  readonly status: Status;
  readonly session: Session;
  readonly door: Door;
  readonly link: Link;
  readonly book: Book;
  readonly sync: Sync;
  readonly repair: Repair;
  readonly outbox: Outbox;
  readonly marks: Marks;
  readonly people: People;
  readonly presence: Presence;
  readonly images: Images;
}
