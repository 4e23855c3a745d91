import { type Signal, useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { Avatar } from "../../parts/avatar.tsx";
import { Icon } from "../../parts/icons.tsx";
import { Name } from "../../parts/name.tsx";
import { useModel } from "../../state/model.ts";
import { isolated, shownName } from "../../state/names.ts";
import { reasonOf } from "../../state/notes.ts";
import type { User } from "../../state/parley.ts";
import { words } from "../../words/index.ts";

/** NamesField collects people by the names they sign in with. */
export function NamesField({ users }: { users: Signal<readonly User[]> }) {
  const { client } = useModel();
  const name = useSignal("");
  const wrong = useSignal("");
  const id = useId();
  const w = words.value;

  const add = async () => {
    const wanted = name.value.trim();
    if (wanted === "") return;
    wrong.value = "";
    try {
      const { users: found = [] } = await client.call("getUsers", { names: [wanted] });
      const user = found[0];
      if (!user) {
        wrong.value = w.noSuchPerson(isolated(wanted));
        return;
      }
      if (!users.value.some((each) => each.id === user.id)) users.value = [...users.value, user];
      name.value = "";
    } catch (err) {
      wrong.value = reasonOf(err);
    }
  };

  return (
    <div class="field">
      <label for={id}>{w.groupPeople}</label>
      {users.value.length > 0 && (
        <ul class="chips">
          {users.value.map((user) => (
            <li key={user.id}>
              <Avatar id={user.id ?? ""} name={shownName(user)} size="small" />
              <Name>{shownName(user)}</Name>
              <button
                type="button"
                aria-label={w.removeName(isolated(shownName(user)))}
                onClick={() => {
                  users.value = users.value.filter((each) => each !== user);
                }}
              >
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
          value={name.value}
          aria-describedby={`${id}-hint`}
          onInput={(event) => {
            name.value = event.currentTarget.value;
          }}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.isComposing || name.value.trim() === "") return;
            event.preventDefault();
            void add();
          }}
        />
        <button type="button" class="button quiet" disabled={name.value.trim() === ""} onClick={add}>
          {w.addName}
        </button>
      </div>
      <p class="hint" id={`${id}-hint`}>
        {w.groupHint}
      </p>
      <p class="wrong" role="alert">
        {wrong.value}
      </p>
    </div>
  );
}
