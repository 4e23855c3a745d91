// Who is told of what.

import type { Events } from './model.ts';

/** Bell tells listeners once per turn of the event loop, however often something happened in it. */
export class Bell {
  private readonly listeners = new Map<keyof Events, Set<(v: never) => void>>();
  private readonly rung = new Map<keyof Events, Set<unknown>>();
  private ringing = false;

  on<E extends keyof Events>(event: E, f: (v: Events[E]) => void): () => void {
    const set = this.listeners.get(event) ?? new Set();
    this.listeners.set(event, set);
    const own = (v: Events[E]) => f(v);
    set.add(own);
    return () => void set.delete(own);
  }

  ring<E extends keyof Events>(event: E, value: Events[E]): void {
    const values = this.rung.get(event);
    if (!values || event === 'state') this.rung.set(event, new Set([value]));
    else values.add(value);
    if (this.ringing) return;
    this.ringing = true;
    queueMicrotask(() => this.tell());
  }

  private tell(): void {
    this.ringing = false;
    const rung = [...this.rung];
    this.rung.clear();
    for (const [event, values] of rung) {
      for (const f of [...(this.listeners.get(event) ?? [])]) for (const v of values) safely(() => f(v as never));
    }
  }
}

/** safely runs what others wrote: an error of theirs ends nothing of ours. */
export function safely(f: () => void): void {
  try {
    f();
  } catch (e) {
    globalThis.reportError?.(e);
  }
}
