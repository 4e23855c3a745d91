import type { Item } from "../../parts/menu.tsx";
import type { Model } from "../../state/model.ts";
import { complain, say } from "../../state/notes.ts";
import type { StoredLine } from "../../state/parley.ts";
import { words } from "../../words/index.ts";

interface Acts {
  onEdit: (line: StoredLine) => void;
  onView: (line: StoredLine) => void;
}

/** itemsOf is what the menu of a message offers. */
export function itemsOf({ client }: Model, conversation: string, line: StoredLine, { onEdit, onView }: Acts): Item[] {
  const w = words.value;
  const items: Item[] = [];
  if (line.kind === "image") items.push({ label: w.viewImage, act: () => onView(line) });
  if (line.kind === "text") items.push({ label: w.copy, act: () => copy(line.text) });
  if (line.mine && line.kind === "text") items.push({ label: w.edit, act: () => onEdit(line) });
  if (line.mine) items.push({ label: w.recall, danger: true, act: () => void client.recall(conversation, line.seq).catch(complain) });
  return items;
}

function copy(text: string): void {
  navigator.clipboard?.writeText(text).then(
    () => say(words.peek().copied),
    () => {}, // Not allowed: selecting works still.
  );
}
