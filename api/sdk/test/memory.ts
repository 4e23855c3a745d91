// A Storage in memory, which several tabs share and hear of.

/** MemoryStorage is one; tab() is how one tab sees it. */
export class MemoryStorage implements Storage {
  readonly map = new Map<string, string>();
  isFull = false;

  get length(): number {
    return this.map.size;
  }
  key(i: number): string | null {
    return [...this.map.keys()][i] ?? null;
  }
  getItem(k: string): string | null {
    return this.map.get(k) ?? null;
  }
  setItem(k: string, v: string): void {
    if (this.isFull) throw new DOMException('full', 'QuotaExceededError');
    this.map.set(k, v);
  }
  removeItem(k: string): void {
    this.map.delete(k);
  }
  clear(): void {
    this.map.clear();
  }
  /** tell is the event that other tabs get. */
  tell(key: string): void {
    const e = new Event('storage');
    Object.assign(e, { key, newValue: this.getItem(key) });
    globalThis.dispatchEvent?.(e);
  }
}
