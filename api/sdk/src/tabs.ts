// Which tabs live: what a closed one left unsent is another's to send.

import { newId } from './id.ts';
import type { Store } from './storage.ts';

/** every is how often a tab with something unsent says that it lives; fresh is how long that counts, in ms. A tab that is slower is no harm: then two send the same message. */
const every = 10_000;
const fresh = 30_000;

/** Tabs marks this tab while it has something to send, and looks after what others left. */
export class Tabs {
  readonly own = newId();
  private readonly store: Store;
  private readonly orphaned: () => void;
  private marking: ReturnType<typeof setInterval> | undefined;
  private watching: ReturnType<typeof setInterval> | undefined;

  constructor(store: Store, orphaned: () => void) {
    this.store = store;
    this.orphaned = orphaned;
  }

  lives(tab: string): boolean {
    const at = Number(this.store.get(`tab.${tab}`) ?? Number.NaN);
    return Math.abs(Date.now() - at) < fresh;
  }

  mark(): void {
    if (this.marking) return;
    const say = () => this.store.set(`tab.${this.own}`, String(Date.now()));
    say();
    this.marking = setInterval(say, every);
  }

  unmark(): void {
    clearInterval(this.marking);
    this.marking = undefined;
    this.store.remove(`tab.${this.own}`);
  }

  /** watch looks now and then, and when a tab says goodbye. */
  watch(): void {
    if (this.watching) return;
    this.watching = setInterval(this.orphaned, fresh);
    globalThis.addEventListener?.('storage', this.heard);
    globalThis.addEventListener?.('pagehide', this.goodbye);
    globalThis.addEventListener?.('pageshow', this.back);
  }

  stop(): void {
    this.unmark();
    clearInterval(this.watching);
    this.watching = undefined;
    globalThis.removeEventListener?.('storage', this.heard);
    globalThis.removeEventListener?.('pagehide', this.goodbye);
    globalThis.removeEventListener?.('pageshow', this.back);
  }

  private readonly heard = (e: Event): void => {
    const { key, newValue } = e as StorageEvent;
    if (key?.includes('.tab.') && newValue === null) this.orphaned();
  };

  private readonly goodbye = (): void => this.store.remove(`tab.${this.own}`);

  private readonly back = (): void => {
    if (this.marking) this.store.set(`tab.${this.own}`, String(Date.now()));
  };
}
