// The styles of parts and screens come after these, to build on them.
import "./style/tokens.css";
import "./style/base.css";

import { effect } from "@preact/signals";
import { render } from "preact";
import { Home } from "./screens/home/home.tsx";
import { Welcome } from "./screens/welcome/welcome.tsx";
import { arrive } from "./state/arrive.ts";
import { Model, ModelContext, useModel } from "./state/model.ts";
import { heard, note, reasonOf, say } from "./state/notes.ts";
import type { Parley } from "./state/parley.ts";
import { follow, route } from "./state/route.ts";
import { words } from "./words/index.ts";

/** start shows the page of a client in an element, and takes up its sign-in. */
export async function start(client: Parley, root: HTMLElement): Promise<void> {
  const model = new Model(client);
  follow();
  arrive(model);
  effect(() => {
    const unread = model.me.value ? model.unread.value : 0;
    document.title = unread > 0 ? `(${unread > 999 ? "999+" : unread}) Parley` : "Parley";
  });
  client.on("failed", (failure) => {
    const text = `${words.value.notSent}${words.value.colon}${reasonOf(failure)}`;
    // Whoever has the conversation before their eyes sees it there.
    if (route.value.at === "talk" && route.value.id === failure.conversation) heard.value = text;
    else say(text);
  });
  await client.start();
  render(
    <ModelContext.Provider value={model}>
      <Page />
    </ModelContext.Provider>,
    root,
  );
}

function Page() {
  const model = useModel();
  return (
    <>
      {model.state.value.phase === "signedOut" ? <Welcome /> : <Home />}
      <div role="status" aria-live="polite">
        {note.value && (
          <p class="note" key={note.value.n}>
            {note.value.text}
          </p>
        )}
      </div>
      <div class="unseen" role="log" aria-live="polite">
        {heard.value}
      </div>
    </>
  );
}
