import { Avatar } from "../../parts/avatar.tsx";
import { Name } from "../../parts/name.tsx";
import { dayOf } from "../../state/clock.ts";
import { useModel } from "../../state/model.ts";
import { isolated, shownName, talkName } from "../../state/names.ts";
import type { StoredLine, Talk } from "../../state/parley.ts";
import { words } from "../../words/index.ts";
import { Message } from "./message.tsx";
import type { Row } from "./rows.ts";

interface Props {
  row: Row;
  talk: Talk | undefined;
  conversation: string;
  onEdit: (line: StoredLine) => void;
  onView: (line: StoredLine) => void;
}

/** RowOf shows a row, whatever it is. */
export function RowOf({ row, talk, conversation, onEdit, onView }: Props) {
  const w = words.value;
  switch (row.kind) {
    case "begin":
      return (
        <div class="begin">
          {talk && (
            <Avatar id={talk.peer ?? talk.id} name={talkName(talk)} size="large" shape={talk.type === "direct" ? "person" : talk.type} />
          )}
          <p>{w.beginning}</p>
          {talk && <p>{{ direct: w.beginningDirect, group: w.beginningGroup, room: w.beginningRoom }[talk.type]}</p>}
          {row.alone && talk?.type === "direct" && <Hello talk={talk} />}
        </div>
      );
    case "day":
      return (
        <p class="separator day">
          <span>{dayOf(row.at)}</span>
        </p>
      );
    case "new":
      return (
        <p class="separator new">
          <span>{w.newMessages}</span>
        </p>
      );
    case "system":
      return <System line={row.line} />;
    case "line":
      return (
        <Message
          line={row.line}
          first={row.first}
          last={row.last}
          type={talk?.type ?? "room"}
          conversation={conversation}
          onEdit={onEdit}
          onView={onView}
        />
      );
  }
}

// Hello helps over the first word.
function Hello({ talk }: { talk: Talk }) {
  const { client } = useModel();
  const w = words.value;
  return (
    <button
      type="button"
      class="button hello"
      onClick={() => {
        client.send(talk.id, w.hello);
        document.querySelector<HTMLElement>("#talk textarea")?.focus();
      }}
    >
      👋 {w.sayHello(isolated(talkName(talk)))}
    </button>
  );
}

// System is what happened, told by nobody.
function System({ line }: { line: StoredLine }) {
  const model = useModel();
  const w = words.value;
  const me = model.me.value?.id;
  const nameOf = (id: string) => (id === me ? w.you : shownName(model.user(id)));
  if (line.recalled) {
    return (
      <p class="system" data-seq={line.seq.toString()}>
        {line.mine ? w.recalledYou : <Sentence who={nameOf(line.sender)} did={w.recalledBy} />}
      </p>
    );
  }
  if (line.kind === "other")
    return (
      <p class="system" data-seq={line.seq.toString()}>
        {w.unknownLine}
      </p>
    );
  // Whoever makes a group chat is among those who are in it from the start.
  const others = line.users.filter((user) => user !== line.sender);
  const did = { created: others.length > 0 ? w.createdWith : w.created, added: w.added, left: w.left }[
    line.kind as "created" | "added" | "left"
  ];
  return (
    <p class="system" data-seq={line.seq.toString()}>
      <Sentence who={nameOf(line.sender)} did={did} />
      {others.map((user, i) => (
        <span key={user}>
          {i === 0 ? " " : w.comma}
          <Name>{nameOf(user)}</Name>
        </span>
      ))}
    </p>
  );
}

function Sentence({ who, did }: { who: string; did: string }) {
  return (
    <>
      <Name>{who}</Name> {did}
    </>
  );
}
