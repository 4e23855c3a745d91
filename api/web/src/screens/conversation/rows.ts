import { sameDay } from "../../state/clock.ts";
import type { Line, StoredLine } from "../../state/parley.ts";

/** Row is one thing under the other in a conversation. */
export type Row =
  | { kind: "begin"; key: string /** alone: nothing was said yet. */; alone: boolean }
  | { kind: "day"; key: string; at: number }
  | { kind: "new"; key: string }
  | { kind: "system"; key: string; line: StoredLine }
  | { kind: "line"; key: string; line: Line; first: boolean; last: boolean };

/** together is how far apart lines of one person may be and still look like one thing said. */
const together = 5 * 60_000;

interface Options {
  /** me is the user, whose unsent lines have no sender yet. */
  me: string;
  /** whole says that the first line is the first there is. */
  whole: boolean;
  /** newFrom is the key of the first line that is new; empty: none. */
  newFrom: string;
}

/**
 * rowsOf puts lines in rows: a line between days, one before what is new, and
 * lines of one person that follow each other as one group.
 */
export function rowsOf(lines: readonly Line[], { me, whole, newFrom }: Options): Row[] {
  const rows: Row[] = [];
  if (whole) rows.push({ kind: "begin", key: "begin", alone: lines.length === 0 });
  let day: number | undefined;
  let group: { sender: string; at: number } | undefined;
  for (const line of lines) {
    const at = line.state === "stored" ? line.sentAt : undefined;
    if (at !== undefined && (day === undefined || !sameDay(day, at))) {
      rows.push({ kind: "day", key: `day ${line.key}`, at });
      day = at;
      group = undefined;
    }
    if (line.key === newFrom) {
      rows.push({ kind: "new", key: "new" });
      group = undefined;
    }
    if (line.state === "stored" && isSystem(line)) {
      rows.push({ kind: "system", key: line.key, line });
      group = undefined;
      continue;
    }
    const sender = line.state === "stored" ? line.sender : me;
    const first: boolean = group === undefined || group.sender !== sender || (at !== undefined && at - group.at >= together);
    const before = rows.at(-1);
    if (!first && before?.kind === "line") before.last = false;
    rows.push({ kind: "line", key: line.key, line, first, last: true });
    group = { sender, at: at ?? group?.at ?? Number.POSITIVE_INFINITY };
  }
  return rows;
}

/** isSystem says that nobody wrote it. */
export const isSystem = (line: StoredLine): boolean => line.recalled || (line.kind !== "text" && line.kind !== "image");

/** firstNew is the key of the first line of others behind a read mark; empty: there is none. */
export function firstNew(lines: readonly Line[], readSeq: bigint): string {
  const line = lines.find((each) => each.state === "stored" && !each.mine && each.seq > readSeq);
  return line?.key ?? "";
}

/** countAfter is how many lines of others come behind a seq. */
export const countAfter = (lines: readonly Line[], seq: bigint): number =>
  lines.filter((line) => line.state === "stored" && !line.mine && !isSystem(line) && line.seq > seq).length;

/** lastSeq is the newest stored one; 0: none. */
export function lastSeq(lines: readonly Line[]): bigint {
  for (let i = lines.length - 1; i >= 0; i--) {
    const line = lines[i];
    if (line?.state === "stored") return line.seq;
  }
  return 0n;
}
