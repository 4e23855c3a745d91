import { useSignal } from "@preact/signals";
import type { Ref } from "preact";
import { useEffect, useId, useImperativeHandle, useLayoutEffect, useRef } from "preact/hooks";
import { Icon } from "../../parts/icons.tsx";
import { draft, draftOf } from "../../state/drafts.ts";
import { bytesLeft, nearEnd } from "../../state/length.ts";
import { useModel } from "../../state/model.ts";
import { complain, say } from "../../state/notes.ts";
import type { StoredLine } from "../../state/parley.ts";
import { isModest, isPicture, measure, mostBytes, mostPixels } from "../../state/pictures.ts";
import { wide } from "../../state/window.ts";
import { words } from "../../words/index.ts";
import { Tray } from "./tray.tsx";
import "./composer.css";

/** ComposerHandle takes what was dropped elsewhere. */
export interface ComposerHandle {
  add(files: Iterable<File>): Promise<void>;
}

interface Props {
  ref?: Ref<ComposerHandle>;
  id: string;
  /** editing is the line that is being changed; null: a new one is written. */
  editing: StoredLine | null;
  onEdit: (line: StoredLine | null) => void;
}

/** Composer is where one writes. Enter sends, with Shift it makes a new line. */
export function Composer({ ref, id, editing, onEdit }: Props) {
  const { client } = useModel();
  const box = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const counter = useId();
  const changed = useSignal("");
  const { text: written, files } = draftOf(id);
  const text = editing ? changed.value : written;
  const w = words.value;

  const add = async (added: Iterable<File>) => {
    box.current?.focus();
    // Copied first: the browser empties the list once the event is over.
    for (const file of [...added]) {
      if (!isPicture(file)) say(w.notAnImage);
      else if (file.size > mostBytes) say(w.imageTooBig(mostBytes / 1024 / 1024));
      else if (!(await isModest(file).catch(() => true))) say(w.imageTooLarge(mostPixels / 1e6));
      else {
        measure(file).catch(() => {}); // Then it is shown in a size of no picture.
        draft(id, { files: [...draftOf(id).files, file] });
      }
    }
  };
  useImperativeHandle(ref ?? null, () => ({ add }), [id]);

  useEffect(() => {
    if (editing) changed.value = editing.text;
    if (editing || wide.peek()) box.current?.focus();
  }, [editing, id]);

  // As high as what is in it, up to what the styles allow.
  useLayoutEffect(() => {
    const area = box.current;
    if (!area) return;
    area.style.height = "auto";
    area.style.height = `${area.scrollHeight}px`;
  }, [text]);

  const left = bytesLeft(text);
  const ready = left < 0 ? false : editing ? text.trim() !== "" : text.trim() !== "" || files.length > 0;
  const submit = () => {
    if (!ready) return;
    if (editing) {
      if (text !== editing.text) client.edit(id, editing.seq, text.trim()).catch(complain);
      onEdit(null);
    } else {
      for (const file of files) client.sendImage(id, file);
      if (text.trim() !== "") client.send(id, text.trim());
      draft(id, { text: "", files: [] });
    }
    box.current?.focus();
  };

  const input = (value: string) => {
    if (editing) changed.value = value;
    else {
      draft(id, { text: value });
      if (value !== "") client.typing(id);
    }
  };

  const keys = (event: KeyboardEvent) => {
    // While an input method composes, Enter is the input method's. Safari ends
    // the composition before the key that ended it, which still has its code.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      submit();
    } else if (event.key === "Escape" && editing) {
      event.stopPropagation();
      onEdit(null);
    } else if (event.key === "ArrowUp" && text === "" && !editing) {
      const last = client
        .lines(id)
        .findLast((line): line is StoredLine => line.state === "stored" && line.mine && line.kind === "text" && !line.recalled);
      if (!last) return;
      event.preventDefault();
      onEdit(last);
    }
  };

  const paste = (event: ClipboardEvent) => {
    const pasted = [...(event.clipboardData?.files ?? [])];
    if (pasted.length === 0 || editing) return;
    event.preventDefault();
    void add(pasted);
  };

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {editing && (
        <p class="composer-edit">
          <Icon of="edit" />
          <span>{w.editing}</span>
          <button type="button" class="icon-button" aria-label={w.cancel} onClick={() => onEdit(null)}>
            <Icon of="close" />
          </button>
        </p>
      )}
      {!editing && files.length > 0 && (
        <Tray files={files} onRemove={(file) => draft(id, { files: files.filter((each) => each !== file) })} />
      )}
      {left < nearEnd && (
        <p id={counter} class={left < 0 ? "composer-left danger" : "composer-left"} role={left < 0 ? "alert" : undefined}>
          {left < 0 ? w.tooLong(-left) : w.roomLeft(left)}
        </p>
      )}
      <div class="composer-row">
        <input
          ref={picker}
          type="file"
          accept="image/png,image/jpeg,image/gif,image/webp"
          multiple
          hidden
          onChange={(event) => {
            void add(event.currentTarget.files ?? []);
            event.currentTarget.value = "";
          }}
        />
        <button type="button" class="icon-button" aria-label={w.attach} disabled={editing !== null} onClick={() => picker.current?.click()}>
          <Icon of="image" />
        </button>
        <textarea
          ref={box}
          class="composer-text"
          rows={1}
          dir="auto"
          aria-label={editing ? w.editing : w.write}
          placeholder={w.write}
          value={text}
          aria-invalid={left < 0}
          aria-describedby={left < nearEnd ? counter : undefined}
          enterkeyhint="send"
          onInput={(event) => input(event.currentTarget.value)}
          onKeyDown={keys}
          onPaste={paste}
        />
        <button type="submit" class="icon-button composer-send" aria-label={editing ? w.save : w.send} disabled={!ready}>
          <Icon of={editing ? "check" : "send"} />
        </button>
      </div>
    </form>
  );
}
