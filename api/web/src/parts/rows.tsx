import type { Ref, VNode } from "preact";
import { useImperativeHandle, useRef, useState } from "preact/hooks";
import { Virtualizer, type VirtualizerHandle } from "virtua";

/** RowsHandle moves the focus from outside. */
export interface RowsHandle {
  focus(index: number): void;
}

interface Props<T> {
  ref?: Ref<RowsHandle>;
  items: readonly T[];
  /** current is where the focus begins; -1: at the first. */
  current: number;
  /** children makes an item: one element that takes the focus, with this tabIndex. */
  children: (item: T, tabIndex: 0 | -1) => VNode;
}

/**
 * Rows is a list of any length of which only what is seen exists. It is one stop
 * of the Tab key; arrows, Home, End and the page keys move inside.
 */
export function Rows<T>({ ref, items, current, children }: Props<T>) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useRef<VirtualizerHandle>(null);
  const [active, setActive] = useState(-1);
  const stop = Math.min(active >= 0 ? active : Math.max(current, 0), items.length - 1);

  const focus = (index: number) => {
    setActive(index);
    virtual.current?.scrollToIndex(index, { align: "nearest" });
    // The row may only come into being with the scrolling.
    requestAnimationFrame(() =>
      requestAnimationFrame(() =>
        scroller.current?.querySelector<HTMLElement>(`[data-row="${index}"] > *`)?.focus({ preventScroll: true }),
      ),
    );
  };
  useImperativeHandle(ref ?? null, () => ({ focus }), []);

  const move = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / 80));
    const steps: Record<string, number> = {
      ArrowDown: stop + 1,
      ArrowUp: stop - 1,
      PageDown: stop + page,
      PageUp: stop - page,
      Home: 0,
      End: items.length - 1,
    };
    const to = steps[event.key];
    if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    focus(Math.min(Math.max(to, 0), items.length - 1));
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys are for the rows inside
    <div
      ref={scroller}
      class="rows"
      onKeyDown={move}
      onBlur={(event) => !scroller.current?.contains(event.relatedTarget as Node | null) && setActive(-1)}
    >
      <Virtualizer ref={virtual as never} as="ul" item="li" scrollRef={scroller as never} keepMounted={stop >= 0 ? [stop] : []}>
        {
          items.map((item, i) => (
            <div key={keyOf(item, i)} data-row={i}>
              {children(item, i === stop ? 0 : -1)}
            </div>
          )) as never
        }
      </Virtualizer>
    </div>
  );
}

const keyOf = (item: unknown, i: number): string | number => (item as { id?: string }).id ?? i;
