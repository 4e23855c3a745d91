import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { Dialog } from "../../parts/dialog.tsx";
import { Tabs } from "../../parts/tabs.tsx";
import { useModel } from "../../state/model.ts";
import { isolated } from "../../state/names.ts";
import { reasonOf } from "../../state/notes.ts";
import type { Talk, User } from "../../state/parley.ts";
import { go } from "../../state/route.ts";
import { words } from "../../words/index.ts";
import { NamesField } from "./names.tsx";
import "./create.css";

type Kind = Talk["type"];

/** Create begins a conversation: with one person, a group, or in a room. */
export function Create({ onClose }: { onClose: () => void }) {
  const kind = useSignal<Kind>("direct");
  const w = words.value;
  return (
    <Dialog title={w.newChat} onClose={onClose}>
      <Tabs
        label={w.kinds}
        tabs={[
          ["direct", w.direct],
          ["group", w.group],
          ["room", w.newRoom],
        ]}
        chosen={kind.value}
        onChoose={(chosen) => {
          kind.value = chosen;
        }}
      >
        <Form key={kind.value} kind={kind.value} onClose={onClose} />
      </Tabs>
    </Dialog>
  );
}

function Form({ kind, onClose }: { kind: Kind; onClose: () => void }) {
  const { client } = useModel();
  const name = useSignal("");
  const users = useSignal<readonly User[]>([]);
  const wrong = useSignal("");
  const busy = useSignal(false);
  const id = useId();
  const w = words.value;
  const { label, hint, act } = {
    direct: { label: w.personName, hint: w.personHint, act: w.start },
    group: { label: w.groupName, hint: "", act: w.create },
    room: { label: w.roomName, hint: w.roomHint, act: w.enterRoom },
  }[kind];

  const make = (wanted: string): Promise<string> => {
    switch (kind) {
      case "direct":
        return client.direct(wanted);
      case "group":
        return client.group(
          wanted,
          users.value.flatMap((user) => user.id ?? []),
        );
      case "room":
        return client.room(wanted);
    }
  };

  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const wanted = name.value.trim();
    if (wanted === "" || busy.value) return;
    busy.value = true;
    wrong.value = "";
    try {
      const talk = await make(wanted);
      onClose();
      go({ at: "talk", id: talk, people: false });
    } catch (err) {
      const nobody = kind === "direct" && (err as { reason?: string }).reason === "NOT_FOUND";
      wrong.value = nobody ? w.noSuchPerson(isolated(wanted)) : reasonOf(err);
    } finally {
      busy.value = false;
    }
  };

  return (
    <form onSubmit={submit}>
      <div class="field">
        <label for={id}>{label}</label>
        <input
          id={id}
          class="input"
          dir="auto"
          required
          autocapitalize="none"
          autocomplete="off"
          spellcheck={false}
          maxLength={kind === "direct" ? 64 : 128}
          value={name.value}
          aria-describedby={hint ? `${id}-hint` : undefined}
          onInput={(event) => {
            name.value = event.currentTarget.value;
          }}
        />
        {hint && (
          <p class="hint" id={`${id}-hint`}>
            {hint}
          </p>
        )}
      </div>
      {kind === "group" && <NamesField users={users} />}
      <p class="wrong" role="alert">
        {wrong.value}
      </p>
      <div class="actions">
        <button type="submit" class="button main" disabled={busy.value || name.value.trim() === ""}>
          {act}
        </button>
      </div>
    </form>
  );
}
