import { Icon } from "../../parts/icons.tsx";
import { useModel } from "../../state/model.ts";
import { reasonOf } from "../../state/notes.ts";
import type { Line, UnsentLine } from "../../state/parley.ts";
import { words } from "../../words/index.ts";

interface Props {
  line: Line;
  conversation: string;
  direct: boolean;
}

/** Mark says how far a line of one's own has come. */
export function Mark({ line, conversation, direct }: Props) {
  const model = useModel();
  const w = words.value;
  const [icon, text] =
    line.state !== "stored"
      ? line.state === "pending"
        ? (["clock", w.sending] as const)
        : (["alert", w.notSent] as const)
      : direct && isRead(model.readBy(conversation), line.seq, model.me.value?.id)
        ? (["checks", w.read] as const)
        : (["check", w.sent] as const);
  return (
    <span class={`mark ${icon}`} title={text}>
      <Icon of={icon} />
      <span class="unseen">{text}</span>
    </span>
  );
}

function isRead(readBy: ReadonlyMap<string, bigint>, seq: bigint, me: string | undefined): boolean {
  for (const [user, mark] of readBy) if (user !== me && mark >= seq) return true;
  return false;
}

/** NotSent says why a line was not sent, and what can be done about it. */
export function NotSent({ line, conversation }: { line: UnsentLine; conversation: string }) {
  const { client } = useModel();
  const w = words.value;
  return (
    <p class="not-sent">
      <span>{line.kind === "image" && line.reason === "INVALID" ? w.notAnImage : reasonOf(line)}</span>
      <button type="button" onClick={() => client.again(conversation, line.key)}>
        {w.again}
      </button>
      <button type="button" onClick={() => client.drop(conversation, line.key)}>
        {w.discard}
      </button>
    </p>
  );
}
