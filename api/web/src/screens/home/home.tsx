import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { useModel } from "../../state/model.ts";
import { Circle } from "../../state/people.ts";
import { go, route } from "../../state/route.ts";
import { panel, togglePanel, veryWide, wide } from "../../state/window.ts";
import { words } from "../../words/index.ts";
import { Conversation } from "../conversation/conversation.tsx";
import { Create } from "../create/create.tsx";
import { List } from "../list/list.tsx";
import { People } from "../people/people.tsx";
import { ConnectionBar } from "./connection.tsx";
import { Empty } from "./empty.tsx";
import "./home.css";

/**
 * Home is the page of somebody who is signed in: list, conversation and people,
 * as many of them side by side as there is room for. On a phone the address says
 * which one it is, so that its "back" works.
 */
export function Home() {
  const model = useModel();
  const circle = useMemo(() => new Circle(model), [model]);
  const creating = useSignal(false);
  const at = route.value;
  const talk = at.at === "talk" ? at.id : "";
  const asked = at.at === "people" || (at.at === "talk" && at.people);
  const beside = veryWide.value && panel.value;
  const people = veryWide.value ? beside : asked;
  // Where only one fits, one is shown; the list stays behind it as it was.
  const shown = !veryWide.value && asked ? "people" : talk || wide.value ? "talk" : "list";

  const create = () => {
    creating.value = true;
  };
  const togglePeople = () => {
    if (veryWide.value) togglePanel();
    else go(talk ? { at: "talk", id: talk, people: !asked } : { at: "people" });
  };

  return (
    <div class={`home ${beside ? "three" : ""}`} data-shown={shown}>
      {/* biome-ignore lint/a11y/useValidAnchor: it leads into the page; only the address stays what it is */}
      <a class="unseen skip" href="#talk" onClick={skip}>
        {words.value.skip}
      </a>
      <header class="connection">
        <h1 class="unseen">Parley</h1>
        <ConnectionBar />
      </header>
      <main class="panes">
        <List chosen={talk} onCreate={create} onPeople={togglePeople} behind={!wide.value && shown !== "list"} />
        <section id="talk" aria-label={words.value.messages} class={`pane talk ${shown === "talk" ? "" : "behind"}`} tabIndex={-1}>
          {talk ? <Conversation key={talk} id={talk} people={people} onPeople={togglePeople} /> : <Empty onCreate={create} />}
        </section>
        {people && <People talk={talk} circle={circle} />}
      </main>
      {creating.value && (
        <Create
          circle={circle}
          onClose={() => {
            creating.value = false;
          }}
        />
      )}
    </div>
  );
}

// skip moves the focus; the address stays what it is.
function skip(event: Event): void {
  event.preventDefault();
  (document.querySelector<HTMLElement>("#talk textarea") ?? document.getElementById("talk"))?.focus();
}
