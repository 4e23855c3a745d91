// What the client as a whole does now.

import type { Phase, State } from './model.ts';
import type { Parts } from './parts.ts';

/** Status says so, and tells when it changes. */
export class Status {
  private state: State = { phase: 'signedOut', behind: false, unsent: 0 };
  private readonly p: Parts;
  private looking = false;

  constructor(p: Parts) {
    this.p = p;
  }

  /** now is what it does at this moment. */
  now(): State {
    this.become({ ...this.state, ...this.rest() });
    return this.state;
  }

  /** set takes what the connection does. */
  set(phase: Phase, reason?: string, retryAt?: number): void {
    this.become({
      ...this.rest(),
      phase,
      ...(reason ? { reason } : {}),
      ...(retryAt !== undefined ? { retryAt } : {}),
    });
  }

  /** touch looks, soon, whether something else changed. */
  touch(): void {
    if (this.looking) return;
    this.looking = true;
    queueMicrotask(() => {
      this.looking = false;
      this.now();
    });
  }

  private rest(): { behind: boolean; unsent: number } {
    const { link, sync, repair, outbox } = this.p;
    return { behind: link.live && (sync.busy || repair.busy), unsent: outbox.pending };
  }

  private become(next: State): void {
    const s = this.state;
    if (
      s.phase === next.phase &&
      s.reason === next.reason &&
      s.retryAt === next.retryAt &&
      s.behind === next.behind &&
      s.unsent === next.unsent
    ) {
      return;
    }
    this.state = next;
    this.p.bell.ring('state', next);
  }
}
