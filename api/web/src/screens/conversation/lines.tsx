import { type ReadonlySignal, useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { Virtualizer, type VirtualizerHandle } from "virtua";
import { Icon } from "../../parts/icons.tsx";
import { useModel } from "../../state/model.ts";
import { isolated, shownName } from "../../state/names.ts";
import { heard } from "../../state/notes.ts";
import type { Line, StoredLine } from "../../state/parley.ts";
import { seen } from "../../state/window.ts";
import { words } from "../../words/index.ts";
import { typingWords } from "./head.tsx";
import { RowOf } from "./row.tsx";
import { countAfter, firstNew, isSystem, lastSeq, rowsOf } from "./rows.ts";
import { keysOf } from "./walk.ts";

interface Props {
  id: string;
  opened: boolean;
  onEdit: (line: StoredLine) => void;
  onView: (line: StoredLine) => void;
}

// How near to the end counts as there, and how near to the beginning more is fetched.
const nearEnd = 60;
const nearBeginning = 800;

/** Lines are the messages of a conversation. It stays at the end as long as one is there. */
export function Lines({ id, opened, onEdit, onView }: Props) {
  const model = useModel();
  const lines = model.lines(id).value;
  const talk = model.talk(id);
  const w = words.value;

  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useRef<VirtualizerHandle>(null);
  const atEnd = useSignal(true);
  const whole = useSignal(false);
  const fetching = useSignal(false);
  const newFrom = useSignal("");
  // What had been read when it was opened, and how far the eye has come since.
  const readAtFirst = useRef(talk?.readSeq ?? 0n);
  const seenTo = useRef(0n);
  const placed = useRef(false);
  const before = useRef<readonly Line[]>([]);

  if (opened && !placed.current && lines.length > 0 && newFrom.peek() === "" && (talk?.unread ?? 0) > 0) {
    newFrom.value = firstNew(lines, readAtFirst.current);
  }
  const prepended =
    before.current.length > 0 && before.current[0]?.key !== lines[0]?.key && before.current.at(-1)?.key === lines.at(-1)?.key;
  // What is older may be new as well.
  if (prepended && newFrom.peek() !== "") newFrom.value = firstNew(lines, readAtFirst.current);
  const me = model.me.value?.id ?? "";
  const rows = useMemo(() => rowsOf(lines, { me, whole: whole.value, newFrom: newFrom.value }), [lines, me, whole.value, newFrom.value]);

  const toEnd = () => virtual.current?.scrollToIndex(rows.length - 1, { align: "end" });

  const older = () => {
    if (fetching.value || whole.value || !opened) return;
    fetching.value = true;
    model.client
      .older(id)
      .then(
        (more) => {
          whole.value = !more;
          requestAnimationFrame(look); // One page may not be enough.
        },
        () => {}, // Comes again with the next scrolling.
      )
      .finally(() => {
        fetching.value = false;
      });
  };

  const look = () => {
    const view = virtual.current;
    if (!view || !placed.current) return;
    atEnd.value = view.scrollOffset + view.viewportSize >= view.scrollSize - nearEnd;
    if (view.scrollOffset < nearBeginning) older();
  };

  // Where it begins: at what is new, else at the end. Then at the end, for
  // whoever is there or has just said something.
  useLayoutEffect(() => {
    if (!opened || rows.length === 0) return;
    const own = lines.at(-1)?.mine && before.current.length > 0 && lines.at(-1)?.key !== before.current.at(-1)?.key;
    if (!placed.current) {
      placed.current = true;
      const at = rows.findIndex((row) => row.kind === "new");
      if (at >= 0) {
        atEnd.value = false; // Nothing of it has been before anybody's eyes yet.
        virtual.current?.scrollToIndex(at, { align: "start" });
      } else toEnd();
      requestAnimationFrame(look);
    } else if ((atEnd.value || own) && !prepended) toEnd();
    before.current = lines;
  }, [rows, opened]);

  // Too short to scroll: what is older will not be asked for by scrolling.
  useEffect(() => {
    const box = scroller.current;
    if (opened && box && box.scrollHeight <= box.clientHeight + nearBeginning / 2) older();
  }, [opened, rows.length, model.state.value.phase]);

  useRead(id, lines, opened, atEnd, placed, seenTo);
  useHeard(lines, opened);

  const typing = typingWords(model, id);
  const missed = atEnd.value || !placed.current ? 0 : countAfter(lines, seenTo.current);
  return (
    <div class="lines-frame">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <div ref={scroller} class="lines" role="log" aria-live="off" aria-label={w.messages} tabIndex={0} onKeyDown={keysOf(scroller)}>
        <div class="lines-space" />
        <Virtualizer
          ref={virtual as never}
          scrollRef={scroller as never}
          shift={prepended}
          onScroll={look}
          onResize={() => {
            if (atEnd.value && placed.current) toEnd();
            else look(); // What shrinks may bring the end back, and nothing scrolls then.
          }}
        >
          {rows.map((row) => <RowOf key={row.key} row={row} talk={talk} conversation={id} onEdit={onEdit} onView={onView} />) as never}
        </Virtualizer>
      </div>
      <p class="typing" aria-hidden="true">
        {typing && (
          <>
            <span class="typing-dots">
              <i />
              <i />
              <i />
            </span>
            <span class="typing-who">{typing}</span>
          </>
        )}
      </p>
      {fetching.value && placed.current && <p class="fetching">{w.loadingOlder}</p>}
      {!opened && lines.length === 0 && <p class="fetching">{w.loading}</p>}
      {!atEnd.value && placed.current && (
        <button type="button" class="jump" aria-label={missed > 0 ? `${w.jumpN(missed)}. ${w.jump}` : w.jump} onClick={toEnd}>
          {missed > 0 && <span class="badge">{missed > 99 ? "99+" : missed}</span>}
          <Icon of="down" />
        </button>
      )}
    </div>
  );
}

// useRead raises the read mark when somebody has the end before their eyes: not before it
// is known where the conversation begins for them.
function useRead(
  id: string,
  lines: readonly Line[],
  opened: boolean,
  atEnd: ReadonlySignal<boolean>,
  placed: { current: boolean },
  seenTo: { current: bigint },
): void {
  const { client } = useModel();
  const last = lastSeq(lines);
  const looks = seen.value;
  useEffect(() => {
    if (!opened || !placed.current || !atEnd.peek() || last === 0n) return;
    if (last > seenTo.current) seenTo.current = last;
    if (looks) client.read(id, last);
  }, [client, id, last, opened, atEnd.value, looks]);
}

// useHeard tells screen readers what others write, as it comes, and nothing of
// what was there before or is fetched later.
function useHeard(lines: readonly Line[], opened: boolean): void {
  const model = useModel();
  const told = useRef<bigint | null>(null);
  const people = model.people.value;
  useEffect(() => {
    if (!opened) return;
    const last = lastSeq(lines);
    const from = told.current;
    if (from === null) {
      told.current = last;
      return;
    }
    const fresh = lines.filter((line): line is StoredLine => line.state === "stored" && !line.mine && !isSystem(line) && line.seq > from);
    // Whoever is not known yet will be in a moment: "someone" is no name to be told.
    if (fresh.some((line) => !model.user(line.sender))) return;
    told.current = last;
    if (fresh.length === 0) return;
    const w = words.peek();
    heard.value = fresh
      .slice(-3)
      .map((line) => `${isolated(shownName(model.user(line.sender)))}${w.colon}${line.kind === "image" ? w.image : line.text}`)
      .join("\n");
  }, [lines, opened, people]);
}
