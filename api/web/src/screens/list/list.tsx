import { useSignal } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import { Avatar } from "../../parts/avatar.tsx";
import { Icon } from "../../parts/icons.tsx";
import { Rows, type RowsHandle } from "../../parts/rows.tsx";
import { useModel } from "../../state/model.ts";
import { shownName, talkName } from "../../state/names.ts";
import { go } from "../../state/route.ts";
import { words } from "../../words/index.ts";
import { Entry } from "./entry.tsx";
import { Me } from "./me.tsx";
import "./list.css";

interface Props {
  chosen: string;
  behind: boolean;
  onCreate: () => void;
  onPeople: () => void;
}

/** List is all conversations, the newest first. */
export function List({ chosen, behind, onCreate, onPeople }: Props) {
  const model = useModel();
  const wanted = useSignal("");
  const rows = useRef<RowsHandle>(null);
  const talks = model.talks.value;
  const w = words.value;
  const found = useMemo(() => {
    const part = wanted.value.trim().toLocaleLowerCase();
    return part === "" ? talks : talks.filter((talk) => talkName(talk).toLocaleLowerCase().includes(part));
  }, [talks, wanted.value, w]);

  const fromFind = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    const first = found[0];
    if (event.key === "ArrowDown" && first) {
      event.preventDefault();
      rows.current?.focus(0);
    } else if (event.key === "Enter" && first && wanted.value !== "") {
      wanted.value = "";
      go({ at: "talk", id: first.id, people: false });
    } else if (event.key === "Escape") wanted.value = "";
  };

  return (
    <nav class={`pane list ${behind ? "behind" : ""}`} aria-label={w.conversations}>
      <header class="pane-head">
        <Me />
        <button type="button" class="icon-button only-narrow" aria-label={w.people} onClick={onPeople}>
          <Icon of="people" />
        </button>
        <button type="button" class="icon-button" aria-label={w.newChat} onClick={onCreate}>
          <Icon of="plus" />
        </button>
      </header>
      {talks.length > 0 && (
        <div class="find">
          <Icon of="search" />
          <input
            class="input"
            type="search"
            aria-label={w.find}
            placeholder={w.find}
            value={wanted.value}
            onInput={(event) => {
              wanted.value = event.currentTarget.value;
            }}
            onKeyDown={fromFind}
          />
        </div>
      )}
      {found.length > 0 ? (
        <Rows ref={rows} items={found} current={found.findIndex((talk) => talk.id === chosen)}>
          {(talk, tabIndex) => <Entry key={talk.id} talk={talk} chosen={talk.id === chosen} tabIndex={tabIndex} />}
        </Rows>
      ) : (
        <div class="empty">
          {talks.length > 0 ? (
            <p>{w.nothingFound}</p>
          ) : (
            <>
              <Avatar id={model.me.value?.id ?? ""} name={shownName(model.me.value)} size="large" />
              <h2>{w.noConversations}</h2>
              <p>{w.noConversationsHint}</p>
              <button type="button" class="button main" onClick={() => void openLobby(model.client)}>
                {w.openLobby}
              </button>
            </>
          )}
        </div>
      )}
    </nav>
  );
}

async function openLobby(client: { room(name: string): Promise<string> }): Promise<void> {
  go({ at: "talk", id: await client.room("lobby"), people: false });
}
