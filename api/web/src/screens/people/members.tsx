import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Dialog } from "../../parts/dialog.tsx";
import { Icon } from "../../parts/icons.tsx";
import { useModel } from "../../state/model.ts";
import { shownName } from "../../state/names.ts";
import { complain, reasonOf } from "../../state/notes.ts";
import type { Talk, User } from "../../state/parley.ts";
import { words } from "../../words/index.ts";
import { NamesField } from "../create/names.tsx";
import { Leave } from "./leave.tsx";
import { Person } from "./person.tsx";

interface Member {
  user: string;
  owner: boolean;
}

/** Members is who is in a group chat: the owner first, then who is online. */
export function Members({ talk }: { talk: Talk }) {
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
          onClose={() => {
            adding.value = false;
          }}
        />
      )}
    </section>
  );
}

function Add({ talk, onClose }: { talk: Talk; onClose: () => void }) {
  const { client } = useModel();
  const users = useSignal<readonly User[]>([]);
  const wrong = useSignal("");
  const w = words.value;
  const add = async (event: SubmitEvent) => {
    event.preventDefault();
    try {
      await client.addMembers(
        talk.id,
        users.value.flatMap(({ id }) => id ?? []),
      );
      onClose();
    } catch (err) {
      wrong.value = reasonOf(err);
    }
  };
  return (
    <Dialog title={w.addPeople} onClose={onClose}>
      <form onSubmit={add}>
        <NamesField users={users} />
        <p class="wrong" role="alert">
          {wrong.value}
        </p>
        <div class="actions">
          <button type="submit" class="button main" disabled={users.value.length === 0}>
            {w.addName}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
