import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { useModel } from "../../state/model.ts";
import type { Talk, User } from "../../state/parley.ts";
import { words } from "../../words/index.ts";
import { Leave } from "./leave.tsx";
import { Person } from "./person.tsx";

const every = 8_000;

/** Here is who looks at a room. Rooms tell nobody who comes, so it asks now and then. */
export function Here({ talk }: { talk: Talk }) {
  const { client, state } = useModel();
  const here = useSignal<readonly User[]>([]);
  const online = state.value.phase === "online";
  useEffect(() => {
    if (!online) return;
    const ask = () => {
      if (document.visibilityState === "hidden") return;
      client.looking(talk.id).then(
        ({ users }) => {
          here.value = users;
        },
        () => {},
      );
    };
    ask();
    const timer = setInterval(ask, every);
    return () => clearInterval(timer);
  }, [client, talk.id, online]);
  const w = words.value;
  return (
    <section>
      <h3>
        {w.whoIsHere} <span class="count">{here.value.length}</span>
      </h3>
      <ul>
        {here.value.map((user) => (
          <li key={user.id}>
            <Person user={user} online />
          </li>
        ))}
      </ul>
      <Leave talk={talk} />
    </section>
  );
}
