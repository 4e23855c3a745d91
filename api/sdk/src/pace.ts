// Pauses.

/**
 * Pace is a pause that grows: the n-th is chosen by chance between nothing and first·2ⁿ,
 * so that clients that failed together do not come back together.
 */
export class Pace {
  n = 0;
  private readonly random: () => number;
  private readonly first: number;
  private readonly most: number;

  constructor(random: () => number, first = 400, most = 5000) {
    this.random = random;
    this.first = first;
    this.most = most;
  }

  /** next is the next pause in ms: at least what the server asked for, and then a little more by chance. */
  next(asked = 0, most = this.most): number {
    const top = Math.min(this.first * 2 ** Math.min(this.n++, 20), most);
    return Math.max(1 + Math.floor(this.random() * top), asked > 0 ? asked * (1 + this.random() / 4) : 0);
  }

  reset(): void {
    this.n = 0;
  }
}

/** sleep ends after ms. */
export const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** jittered is ms, a quarter more or less. */
export const jittered = (ms: number, random: () => number): number => ms * (0.75 + random() / 2);
