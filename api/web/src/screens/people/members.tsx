import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { Dialog } from "../../parts/dialog.tsx";
import { Icon } from "../../parts/icons.tsx";
import { useModel } from "../../state/model.ts";
import { shownName } from "../../state/names.ts";
import { complain, reasonOf } from "../../state/notes.ts";
import type { Talk } from "../../state/parley.ts";
import type { Circle } from "../../state/people.ts";
import { words } from "../../words/index.ts";
import { NamesField } from "../create/names.tsx";
import { Picked } from "../create/picked.ts";
import { Leave } from "./leave.tsx";
import { Person } from "./person.tsx";

interface Member {
  user: string;
  owner: boolean;
}

/** Members is who is in a group chat: the owner first, then who is online. */
export function Members({ talk, circle }: { talk: Talk; circle: Circle }) {
  const model = useModel();
  const members = useSignal<readonly Member[]>([]);
  const adding = useSignal(false);
  const online = model.state.value.phase === "online";
  const w = words.value;
  useEffect(() => {
    let current = true;
    model.client.call("listMembers", { conversation: talk.id }).then((answer) => {
      if (current) members.value = (answer.members ?? []).map(({ user = "", role }) => ({ user, owner: role === "ROLE_OWNER" }));
    }, complain);
    return () => {
      current = false;
    };
  }, [model, talk.id, talk.members, online]);

  const isOnline = (id: string) => id === model.me.value?.id || model.online(id);
  const rank = ({ user, owner }: Member) => (owner ? 0 : isOnline(user) ? 1 : 2);
  const sorted = [...members.value].sort(
    (a, b) => rank(a) - rank(b) || shownName(model.user(a.user)).localeCompare(shownName(model.user(b.user))),
  );
  return (
    <section>
      <h3>
        {w.members} <span class="count">{talk.members}</span>
      </h3>
      <ul>
        {sorted.map(({ user, owner }) => (
          <li key={user}>
            <Person user={model.user(user) ?? { id: user }} online={isOnline(user)} note={owner ? w.owner : ""} />
          </li>
        ))}
      </ul>
      <div class="people-acts">
        <button
          type="button"
          class="button quiet"
          onClick={() => {
            adding.value = true;
          }}
        >
          <Icon of="plus" />
          {w.addPeople}
        </button>
        <Leave talk={talk} />
      </div>
      {adding.value && (
        <Add
          talk={talk}
          circle={circle}
          already={members.value.map(({ user }) => user)}
          onClose={() => {
            adding.value = false;
          }}
        />
      )}
    </section>
  );
}

interface AddProps {
  talk: Talk;
  circle: Circle;
  already: readonly string[];
  onClose: () => void;
}

function Add({ talk, circle, already, onClose }: AddProps) {
  const { client } = useModel();
  const picked = useMemo(() => new Picked(circle, already), [circle]);
  const wrong = useSignal("");
  const w = words.value;
  const add = async (event: SubmitEvent) => {
    event.preventDefault();
    try {
      if (!(await picked.take())) return;
      await client.addMembers(
        talk.id,
        picked.users.value.flatMap(({ id }) => id ?? []),
      );
      onClose();
    } catch (err) {
      wrong.value = reasonOf(err);
    }
  };
  return (
    <Dialog title={w.addPeople} onClose={onClose}>
      <form onSubmit={add}>
        <NamesField picked={picked} />
        <p class="wrong" role="alert">
          {wrong.value}
        </p>
        <div class="actions">
          <button type="submit" class="button main" disabled={picked.users.value.length === 0 && picked.typed.value.trim() === ""}>
            {w.addPeople}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
