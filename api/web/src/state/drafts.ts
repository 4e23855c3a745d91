import { signal } from "@preact/signals";

/** Draft is what somebody has begun to write, and the pictures to go with it. */
export interface Draft {
  text: string;
  files: readonly File[];
}

const nothing: Draft = { text: "", files: [] };

/** drafts are those of all conversations. They last as long as the page. */
export const drafts = signal<ReadonlyMap<string, Draft>>(new Map());

/** draftOf is that of one conversation. */
export const draftOf = (id: string): Draft => drafts.value.get(id) ?? nothing;

/** draft changes it; what is empty is forgotten. */
export function draft(id: string, change: Partial<Draft>): void {
  const next = new Map(drafts.peek());
  const changed = { ...(next.get(id) ?? nothing), ...change };
  if (changed.text === "" && changed.files.length === 0) next.delete(id);
  else next.set(id, changed);
  drafts.value = next;
}

/** forgetDrafts is for whoever signs out. */
export function forgetDrafts(): void {
  drafts.value = new Map();
}
