import { useSignal } from "@preact/signals";
import { useId, useMemo } from "preact/hooks";
import { Dialog } from "../../parts/dialog.tsx";
import { Tabs } from "../../parts/tabs.tsx";
import { useModel } from "../../state/model.ts";
import { isolated } from "../../state/names.ts";
import { reasonOf } from "../../state/notes.ts";
import type { Talk } from "../../state/parley.ts";
import type { Circle } from "../../state/people.ts";
import { go } from "../../state/route.ts";
import { words } from "../../words/index.ts";
import { Known } from "./known.tsx";
import { NamesField } from "./names.tsx";
import { Picked } from "./picked.ts";
import "./create.css";

type Kind = Talk["type"];

/** Create begins a conversation: with one person, a group, or in a room. */
export function Create({ circle, onClose }: { circle: Circle; onClose: () => void }) {
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
        <Form key={kind.value} kind={kind.value} circle={circle} onClose={onClose} />
      </Tabs>
    </Dialog>
  );
}

function Form({ kind, circle, onClose }: { kind: Kind; circle: Circle; onClose: () => void }) {
  const { client } = useModel();
  const name = useSignal("");
  const picked = useMemo(() => new Picked(circle), [circle]);
  const wrong = useSignal("");
  const busy = useSignal(false);
  const id = useId();
  const w = words.value;
  const { label, hint, act } = {
    direct: { label: w.personName, hint: w.personHint, act: w.start },
    group: { label: w.groupName, hint: "", act: w.create },
    room: { label: w.roomName, hint: w.roomHint, act: w.enterRoom },
  }[kind];

  const make = async (wanted: string): Promise<string> => {
    switch (kind) {
      case "direct":
        return client.direct((await circle.find(wanted))?.name ?? wanted);
      case "group":
        return client.group(
          wanted,
          picked.users.value.flatMap((user) => user.id ?? []),
        );
      case "room":
        return client.room(wanted);
    }
  };

  const begin = async (wanted: string) => {
    if (wanted === "" || busy.value) return;
    busy.value = true;
    wrong.value = "";
    try {
      if (!(await picked.take())) return;
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
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void begin(name.value.trim());
      }}
    >
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
      {kind === "direct" && <Known circle={circle} typed={name.value} onPick={(user) => void begin(user.name ?? "")} />}
      {kind === "group" && <NamesField picked={picked} />}
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
