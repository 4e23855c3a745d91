// What outlives a tab: the sign-in, the device's name, unsent messages.

const prefix = 'parley.';

/**
 * Store is a Storage that does not fail. What the real one does not take (it is full, or
 * the browser forbids it) is kept for as long as the tab lives.
 */
export class Store {
  private readonly own = new Map<string, string>();
  private readonly storage: Storage | null;

  constructor(storage: Storage | null) {
    this.storage = storage;
  }

  /** shared says that other tabs may see what is stored. */
  get shared(): boolean {
    return this.storage !== null;
  }

  /** name is how a key is called in the events of the real storage. */
  static name(key: string): string {
    return prefix + key;
  }

  get(key: string): string | null {
    const own = this.own.get(key);
    if (own !== undefined) return own;
    try {
      return this.storage?.getItem(prefix + key) ?? null;
    } catch {
      return null;
    }
  }

  set(key: string, value: string): void {
    try {
      if (this.storage) {
        this.storage.setItem(prefix + key, value);
        this.own.delete(key);
        return;
      }
    } catch {
      // It is full, or forbidden.
    }
    this.own.set(key, value);
  }

  remove(key: string): void {
    this.own.delete(key);
    try {
      this.storage?.removeItem(prefix + key);
    } catch {
      // It is forbidden, so nothing is there.
    }
  }

  /** keys are those that begin with start, in order. */
  keys(start: string): string[] {
    const found = new Set<string>();
    for (const key of this.own.keys()) if (key.startsWith(start)) found.add(key);
    try {
      for (let i = 0; i < (this.storage?.length ?? 0); i++) {
        const key = this.storage?.key(i) ?? '';
        if (key.startsWith(prefix + start)) found.add(key.slice(prefix.length));
      }
    } catch {
      // It is forbidden, so nothing is there.
    }
    return [...found].sort();
  }

  /** read is a stored object; undefined when it is not there, or is none. */
  read<T extends object>(key: string): Partial<T> | undefined {
    try {
      const value: unknown = JSON.parse(this.get(key) ?? 'null');
      return typeof value === 'object' && value !== null ? (value as Partial<T>) : undefined;
    } catch {
      return undefined;
    }
  }

  write(key: string, value: object): void {
    this.set(key, JSON.stringify(value));
  }
}

/** browserStorage is localStorage, where there is one that may be used. */
export function browserStorage(): Storage | null {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}
