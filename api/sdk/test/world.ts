// A user, a server, and what may be looked at in tests.

import { afterEach, beforeEach, vi } from 'vitest';
import { Client, type Options } from '../src/index.ts';
import { pass, until } from './clock.ts';
import { MemoryStorage } from './memory.ts';
import { ChatServer } from './server.ts';
import { fetchFrom, socketTo } from './wire.ts';

/** World is one server, one browser's storage, and its tabs. */
export class World {
  readonly server = new ChatServer(() => Date.now());
  readonly storage = new MemoryStorage();
  readonly clients: Client[] = [];
  readonly me = this.server.user('liubei', '刘备');
  readonly other = this.server.user('zhangfei', '张飞');

  /** tab is another client in the same browser. */
  tab(more: Options = {}): Client {
    const c = new Client({
      api: 'http://api',
      storage: this.storage,
      random: () => 0.5,
      WebSocket: socketTo(this.server),
      fetch: fetchFrom(this.server),
      ...more,
    });
    this.clients.push(c);
    return c;
  }

  /** signedIn is a tab whose session is open. */
  async signedIn(more: Options = {}): Promise<Client> {
    const c = this.tab(more);
    const done = c.signIn('liubei', 'secret');
    await pass(100);
    await done;
    await settled(c);
    return c;
  }
}

/** settled waits until a client is online and misses nothing. */
export const settled = (c: Client, within = 10_000): Promise<void> =>
  until(() => c.state.phase === 'online' && !c.state.behind && c.state.unsent === 0, within);

/** opened waits until a conversation is there. */
export async function opened(c: Client, id: string): Promise<void> {
  const done = c.open(id);
  await pass(200);
  await done;
}

/** texts are what a page shows of a conversation. */
export const texts = (c: Client, id: string): string[] => c.lines(id).map((l) => l.text);

/** seqs are the numbers of the lines that are stored. */
export const seqs = (c: Client, id: string): number[] =>
  c
    .lines(id)
    .filter((l) => l.state === 'stored')
    .map((l) => Number(l.seq));

/** inWorld gives each test a world of its own, with a window that events can be sent to. */
export function inWorld(): () => World {
  let world: World;
  beforeEach(() => {
    vi.useFakeTimers({ now: Date.UTC(2026, 10, 28, 12) });
    const window = new EventTarget();
    vi.stubGlobal('addEventListener', window.addEventListener.bind(window));
    vi.stubGlobal('removeEventListener', window.removeEventListener.bind(window));
    vi.stubGlobal('dispatchEvent', window.dispatchEvent.bind(window));
    world = new World();
  });
  afterEach(() => {
    for (const c of world.clients) c.stop();
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });
  return () => world;
}
