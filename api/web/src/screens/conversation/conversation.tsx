import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "../../parts/icons.tsx";
import { useModel } from "../../state/model.ts";
import { reasonOf } from "../../state/notes.ts";
import type { StoredLine } from "../../state/parley.ts";
import { back } from "../../state/route.ts";
import { words } from "../../words/index.ts";
import { Composer, type ComposerHandle } from "./composer.tsx";
import { Head } from "./head.tsx";
import { Lines } from "./lines.tsx";
import { Viewer } from "./viewer.tsx";
import "./conversation.css";

interface Props {
  id: string;
  people: boolean;
  onPeople: () => void;
}

/** Conversation is one of them, open: the SDK keeps it complete as long as it is. */
export function Conversation({ id, people, onPeople }: Props) {
  const { client } = useModel();
  const opened = useSignal<"waiting" | "open" | string>("waiting");
  const editing = useSignal<StoredLine | null>(null);
  const viewing = useSignal<StoredLine | null>(null);
  const composer = useRef<ComposerHandle>(null);
  const dropping = useSignal(0);
  const w = words.value;

  useEffect(() => {
    client.open(id).then(
      () => {
        opened.value = "open";
      },
      (err) => {
        const { reason = "" } = err as { reason?: string };
        opened.value = reason === "NOT_FOUND" || reason === "FORBIDDEN" || reason === "INVALID" ? words.peek().notThere : reasonOf(err);
      },
    );
    return () => client.close(id);
  }, [client, id]);

  if (opened.value !== "waiting" && opened.value !== "open") {
    return (
      <div class="empty">
        <Icon of="alert" />
        <p>{opened.value}</p>
        <button type="button" class="button quiet" onClick={() => back({ at: "home" })}>
          {w.back}
        </button>
      </div>
    );
  }

  const withFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is the mouse's way of what the button does
    <div
      class="conversation"
      onDragEnter={(event) => {
        if (withFiles(event)) dropping.value++;
      }}
      onDragLeave={(event) => {
        if (withFiles(event)) dropping.value--;
      }}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        dropping.value = 0;
        void composer.current?.add(event.dataTransfer?.files ?? []);
      }}
    >
      <Head id={id} people={people} onPeople={onPeople} />
      <Lines
        id={id}
        opened={opened.value === "open"}
        onEdit={(line) => {
          editing.value = line;
        }}
        onView={(line) => {
          viewing.value = line;
        }}
      />
      <Composer
        ref={composer}
        id={id}
        editing={editing.value}
        onEdit={(line) => {
          editing.value = line;
        }}
      />
      {dropping.value > 0 && (
        <div class="drop">
          <Icon of="image" />
          {w.dropHere}
        </div>
      )}
      {viewing.value && (
        <Viewer
          conversation={id}
          line={viewing.value}
          onClose={() => {
            viewing.value = null;
          }}
        />
      )}
    </div>
  );
}
