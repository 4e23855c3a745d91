import { useEffect, useRef } from "preact/hooks";
import "./menu.css";

/** Item is one thing a menu offers. */
export interface Item {
  label: string;
  danger?: boolean;
  act: () => void;
}

interface Props {
  label: string;
  /** anchor is what the menu belongs to; the focus goes back there. */
  anchor: HTMLElement;
  items: readonly Item[];
  onClose: () => void;
}

/**
 * Menu is open as long as it is rendered, above everything, beside its anchor.
 * Arrows move in it, Escape and a click elsewhere close it.
 */
export function Menu({ label, anchor, items, onClose }: Props) {
  const menu = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const shown = menu.current;
    if (!shown) return;
    shown.showPopover();
    place(shown, anchor);
    shown.querySelector("button")?.focus();
    return () => {
      const inside = shown.contains(document.activeElement) || document.activeElement === document.body;
      if (inside && anchor.isConnected) anchor.focus();
    };
  }, [anchor]);

  const move = (event: KeyboardEvent) => {
    const buttons = [...(menu.current?.querySelectorAll("button") ?? [])];
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (event.key === "Tab") onClose();
    if (to === undefined) return;
    event.preventDefault();
    buttons.at(to % buttons.length)?.focus();
  };

  return (
    <div
      ref={menu}
      popover="auto"
      role="menu"
      class="menu"
      aria-label={label}
      tabIndex={-1}
      onKeyDown={move}
      onToggle={(event) => event.newState === "closed" && onClose()}
    >
      {items.map((item) => (
        <button
          key={item.label}
          type="button"
          role="menuitem"
          class={item.danger ? "danger" : ""}
          onClick={() => {
            onClose();
            item.act();
          }}
        >
          {item.label}
        </button>
      ))}
    </div>
  );
}

const margin = 8;

// place puts a menu below its anchor, or above where there is no room.
function place(menu: HTMLElement, anchor: HTMLElement): void {
  const at = anchor.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const below = at.bottom + 4;
  const top = below + height + margin > innerHeight ? Math.max(margin, at.top - height - 4) : below;
  const left = Math.min(Math.max(margin, at.right - width), innerWidth - width - margin);
  menu.style.top = `${top}px`;
  menu.style.left = `${left}px`;
}
