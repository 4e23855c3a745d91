import { useEffect } from "preact/hooks";
import { Icon } from "../../parts/icons.tsx";
import { useModel } from "../../state/model.ts";
import type { Circle } from "../../state/people.ts";
import { back } from "../../state/route.ts";
import { veryWide } from "../../state/window.ts";
import { words } from "../../words/index.ts";
import { Here } from "./here.tsx";
import { Members } from "./members.tsx";
import { Person } from "./person.tsx";
import "./people.css";

interface Props {
  /** talk is the conversation that is open; empty: none. */
  talk: string;
  circle: Circle;
}

/** People is who is in the open conversation, and who is online. */
export function People({ talk: id, circle }: Props) {
  const model = useModel();
  const talk = id ? model.talk(id) : undefined;
  const groups = model.talks.value.length;
  const phase = model.state.value.phase;
  useEffect(() => circle.watch(), [circle]);
  useEffect(() => circle.ask(), [circle, groups, phase]);
  const several = talk !== undefined && talk.type !== "direct";
  // Who is in the list above stands there.
  const online = several ? circle.online().filter((user) => !circle.isIn(user, talk)) : circle.online();
  const w = words.value;
  return (
    <section class="pane people" aria-label={w.people}>
      <header class="pane-head">
        {!veryWide.value && (
          <button
            type="button"
            class="icon-button"
            aria-label={w.back}
            onClick={() => back(id ? { at: "talk", id, people: false } : { at: "home" })}
          >
            <Icon of="back" />
          </button>
        )}
        <h2>{w.people}</h2>
      </header>
      <div class="people-lists">
        {talk?.type === "group" && <Members key={id} talk={talk} circle={circle} />}
        {talk?.type === "room" && <Here key={id} talk={talk} />}
        {(online.length > 0 || !several) && (
          <section>
            <h3>
              {several ? w.othersOnline : w.peopleOnline} <span class="count">{online.length}</span>
            </h3>
            {online.length === 0 ? (
              <p class="hint">{w.nobodyOnline}</p>
            ) : (
              <ul>
                {online.map((user) => (
                  <li key={user.id}>
                    <Person user={user} online />
                  </li>
                ))}
              </ul>
            )}
          </section>
        )}
      </div>
    </section>
  );
}
