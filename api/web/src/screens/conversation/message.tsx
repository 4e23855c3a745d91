import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { Avatar } from "../../parts/avatar.tsx";
import { Icon } from "../../parts/icons.tsx";
import { Menu } from "../../parts/menu.tsx";
import { UserName } from "../../parts/name.tsx";
import { isPictures, Text } from "../../parts/text.tsx";
import { fullTime, timeOf } from "../../state/clock.ts";
import { useModel } from "../../state/model.ts";
import { shownName } from "../../state/names.ts";
import type { Line, StoredLine, Talk } from "../../state/parley.ts";
import { words } from "../../words/index.ts";
import { itemsOf } from "./items.ts";
import { Mark, NotSent } from "./mark.tsx";
import { Picture } from "./picture.tsx";
import "./message.css";

interface Props {
  line: Line;
  first: boolean;
  last: boolean;
  type: Talk["type"];
  conversation: string;
  onEdit: (line: StoredLine) => void;
  onView: (line: StoredLine) => void;
}

/** Message is what somebody said, and what can be done with it. */
export function Message({ line, first, last, type, conversation, onEdit, onView }: Props) {
  const model = useModel();
  const more = useRef<HTMLButtonElement>(null);
  const open = useSignal(false);
  const w = words.value;
  const stored = line.state === "stored";
  const sender = stored && !line.mine ? model.user(line.sender) : model.me.value;
  const named = first && !line.mine && type !== "direct";
  const items = stored ? itemsOf(model, conversation, line, { onEdit, onView }) : [];

  const toMenu = (event: Event) => {
    if (items.length === 0 || (event.target as HTMLElement).closest("a")) return;
    event.preventDefault();
    open.value = true;
  };
  const keys = (event: KeyboardEvent) => {
    if (event.key === "Enter" && event.target === event.currentTarget) toMenu(event);
  };

  return (
    <article
      class={`message ${line.mine ? "mine" : "theirs"} ${first ? "first" : ""} ${last ? "last" : ""}`}
      data-seq={line.seq?.toString()}
      tabIndex={-1}
      onKeyDown={keys}
      onContextMenu={toMenu}
    >
      {!line.mine &&
        type !== "direct" &&
        (last ? <Avatar id={stored ? line.sender : ""} name={shownName(sender)} size="small" /> : <span class="avatar-space" />)}
      <div class="message-body">
        <p class={named ? "message-sender" : "unseen"}>{line.mine ? w.you : <UserName user={sender} />}</p>
        <div class={`bubble ${line.kind === "image" ? "picture" : isPictures(line.text) ? "only-emoji" : ""}`}>
          {line.kind === "image" ? (
            <Picture conversation={conversation} line={line} name={shownName(sender)} onView={onView} />
          ) : (
            <span class="bubble-text" dir="auto">
              <Text>{line.text}</Text>
            </span>
          )}
          <span class="bubble-foot">
            {stored && line.edited && <span>{w.edited}</span>}
            {stored && (
              <time dateTime={new Date(line.sentAt).toISOString()} title={fullTime(line.sentAt)}>
                {timeOf(line.sentAt)}
              </time>
            )}
            {line.mine && <Mark line={line} conversation={conversation} direct={type === "direct"} />}
          </span>
        </div>
        {line.state === "failed" && <NotSent line={line} conversation={conversation} />}
      </div>
      {items.length > 0 && (
        <button
          ref={more}
          type="button"
          class="icon-button message-more"
          aria-label={w.more}
          aria-haspopup="menu"
          aria-expanded={open.value}
          tabIndex={-1}
          onClick={() => {
            open.value = !open.value;
          }}
        >
          <Icon of="more" />
        </button>
      )}
      {open.value && more.current && (
        <Menu
          label={w.more}
          anchor={more.current}
          items={items}
          onClose={() => {
            open.value = false;
          }}
        />
      )}
    </article>
  );
}
