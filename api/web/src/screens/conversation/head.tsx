import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Avatar } from "../../parts/avatar.tsx";
import { Icon } from "../../parts/icons.tsx";
import { Name } from "../../parts/name.tsx";
import { type Model, useModel } from "../../state/model.ts";
import { isolated, shownName, talkName } from "../../state/names.ts";
import type { Talk } from "../../state/parley.ts";
import { back } from "../../state/route.ts";
import { words } from "../../words/index.ts";

interface Props {
  id: string;
  people: boolean;
  onPeople: () => void;
}

const lookingEvery = 20_000;

/** Head says with whom one talks, and what they do. */
export function Head({ id, people, onPeople }: Props) {
  const model = useModel();
  const talk = model.talk(id);
  const w = words.value;
  const looking = useLooking(model, talk);
  const name = talk ? talkName(talk) : "";
  const there = talk?.peer !== undefined && model.online(talk.peer);
  return (
    <header class="pane-head conversation-head">
      <button type="button" class="icon-button only-narrow" aria-label={w.back} onClick={() => back({ at: "home" })}>
        <Icon of="back" />
      </button>
      {talk && (
        <Avatar id={talk.peer ?? talk.id} name={name} size="small" shape={talk.type === "direct" ? "person" : talk.type} online={there} />
      )}
      <div class="conversation-title">
        <h2>
          <Name>{name}</Name>
        </h2>
        <p>{talk && (typingWords(model, id) || about(talk, there, looking))}</p>
      </div>
      <button type="button" class="icon-button" aria-label={people ? w.hidePeople : w.showPeople} aria-expanded={people} onClick={onPeople}>
        <Icon of="people" />
      </button>
    </header>
  );
}

function about(talk: Talk, there: boolean, looking: number): string {
  const w = words.value;
  if (talk.type === "direct") return there ? w.online : w.offline;
  if (talk.type === "group") return w.membersN(talk.members);
  return looking > 0 ? `${w.room} · ${w.lookingN(looking)}` : w.room;
}

/** typingWords say who types; empty: nobody. */
export function typingWords(model: Model, id: string): string {
  const [a, b, ...others] = model.typists(id).map((user) => isolated(shownName(model.user(user))));
  const w = words.value;
  if (a === undefined) return "";
  if (b === undefined) return w.typingOne(a);
  return others.length > 0 ? w.typingMany : w.typingTwo(a, b);
}

function useLooking(model: Model, talk: Talk | undefined): number {
  const looking = useSignal(0);
  const id = talk?.type === "room" ? talk.id : "";
  const online = model.state.value.phase === "online";
  useEffect(() => {
    if (id === "" || !online) return;
    const ask = () => {
      if (document.visibilityState === "hidden") return;
      model.client.looking(id).then(
        (answer) => {
          looking.value = answer.looking;
        },
        () => {},
      );
    };
    ask();
    const timer = setInterval(ask, lookingEvery);
    return () => clearInterval(timer);
  }, [model, id, online]);
  return looking.value;
}
