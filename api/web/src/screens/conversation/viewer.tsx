import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Dialog } from "../../parts/dialog.tsx";
import { useModel } from "../../state/model.ts";
import { isolated, shownName } from "../../state/names.ts";
import type { StoredLine } from "../../state/parley.ts";
import { words } from "../../words/index.ts";

interface Props {
  conversation: string;
  line: StoredLine;
  onClose: () => void;
}

/** Viewer shows a picture as large as the window. */
export function Viewer({ conversation, line, onClose }: Props) {
  const model = useModel();
  const url = useSignal("");
  const gone = useSignal(false);
  const w = words.value;
  useEffect(() => {
    let current = true;
    model.client.image(conversation, line.seq, false).then(
      (found) => {
        if (current) url.value = found;
      },
      () => {
        if (current) gone.value = true;
      },
    );
    return () => {
      current = false;
    };
  }, [model, conversation, line.seq]);
  const title = w.imageOf(isolated(shownName(line.mine ? model.me.value : model.user(line.sender))));
  const { width = 0, height = 0, name = "" } = line.image ?? {};
  return (
    <Dialog title={title} class="viewer" onClose={onClose}>
      {gone.value ? (
        <p role="alert">{w.imageGone}</p>
      ) : (
        <img
          src={url.value || undefined}
          width={width || undefined}
          height={height || undefined}
          alt={name || title}
          class={url.value ? "" : "waiting"}
        />
      )}
    </Dialog>
  );
}
