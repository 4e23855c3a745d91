// Time, under vitest's fake timers.

import { vi } from 'vitest';

/** pass lets time pass, and everything that waits for it happen. */
export const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

/** until lets time pass until something holds, for at most so many ms. */
export async function until(holds: () => boolean, within = 10_000): Promise<void> {
  for (let t = 0; t <= within; t += 10) {
    if (holds()) return;
    await pass(10);
  }
  throw new Error(`it did not come to hold within ${within} ms: ${holds}`);
}
