import { useId } from "preact/hooks";
import { Avatar } from "../../parts/avatar.tsx";
import { Icon } from "../../parts/icons.tsx";
import { Name } from "../../parts/name.tsx";
import { isolated, shownName } from "../../state/names.ts";
import { words } from "../../words/index.ts";
import { Known } from "./known.tsx";
import type { Picked } from "./picked.ts";

/** NamesField collects people: those one knows by a click, others by the names they sign in with. */
export function NamesField({ picked }: { picked: Picked }) {
  const id = useId();
  const w = words.value;
  const typed = picked.typed.value;
  return (
    <div class="field">
      <label for={id}>{w.groupPeople}</label>
      {picked.users.value.length > 0 && (
        <ul class="chips">
          {picked.users.value.map((user) => (
            <li key={user.id}>
              <Avatar id={user.id ?? ""} name={shownName(user)} size="small" />
              <Name>{shownName(user)}</Name>
              <button type="button" aria-label={w.removeName(isolated(shownName(user)))} onClick={() => picked.remove(user)}>
                <Icon of="close" />
              </button>
            </li>
          ))}
        </ul>
      )}
      <div class="names-row">
        <input
          id={id}
          class="input"
          dir="auto"
          autocapitalize="none"
          autocomplete="off"
          spellcheck={false}
          maxLength={64}
          value={typed}
          aria-describedby={`${id}-hint`}
          onInput={(event) => {
            picked.typed.value = event.currentTarget.value;
          }}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.isComposing || typed.trim() === "") return;
            event.preventDefault();
            void picked.take();
          }}
        />
        <button type="button" class="button quiet" disabled={typed.trim() === ""} onClick={() => void picked.take()}>
          {w.addName}
        </button>
      </div>
      <p class="hint" id={`${id}-hint`}>
        {w.groupHint}
      </p>
      <p class="wrong" role="alert">
        {picked.wrong.value}
      </p>
      <Known circle={picked.circle} typed={typed} without={picked.without()} onPick={(user) => picked.add(user)} />
    </div>
  );
}
