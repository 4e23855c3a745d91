// One tab at a time.

import { newId } from './id.ts';
import { sleep } from './pace.ts';
import type { Store } from './storage.ts';

/** lease is how long a lock in storage holds, in ms: longer than what is done under it takes. */
const lease = 30_000;

const chains = new Map<string, Promise<unknown>>();

/**
 * exclusive runs f while no other tab runs what has the same name. With navigator.locks
 * that is certain; pages that came over plain HTTP have none, and there a lock in storage
 * does it: who wrote it, and finds it unchanged a moment later, has it.
 */
export async function exclusive<T>(name: string, store: Store, random: () => number, f: () => Promise<T>): Promise<T> {
  const locks = globalThis.navigator?.locks;
  if (store.shared && locks) return (await locks.request(`parley.${name}`, f)) as T;
  if (store.shared) return stored(`lock.${name}`, store, random, f);
  const before = chains.get(name) ?? Promise.resolve();
  const run = before.then(f, f);
  chains.set(
    name,
    run.catch(() => {}),
  );
  return run;
}

async function stored<T>(key: string, store: Store, random: () => number, f: () => Promise<T>): Promise<T> {
  const owner = newId();
  for (;;) {
    const held = store.read<{ owner: string; until: number }>(key);
    const left = (held?.until ?? 0) - Date.now();
    if (left <= 0 || left > lease) {
      store.write(key, { owner, until: Date.now() + lease });
      await sleep(40 + random() * 40);
      const now = store.read<{ owner: string; until: number }>(key);
      if (now?.owner === owner && (now.until ?? 0) > Date.now()) break;
    } else {
      await sleep(50 + random() * 100);
    }
  }
  try {
    return await f();
  } finally {
    if (store.read<{ owner: string }>(key)?.owner === owner) store.remove(key);
  }
}
