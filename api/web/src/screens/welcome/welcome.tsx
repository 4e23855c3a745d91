import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Logo } from "../../parts/icons.tsx";
import { LanguageButton } from "../../parts/language.tsx";
import { Tabs } from "../../parts/tabs.tsx";
import { useModel } from "../../state/model.ts";
import { isolated } from "../../state/names.ts";
import type { DemoAccount } from "../../state/parley.ts";
import { route } from "../../state/route.ts";
import { words } from "../../words/index.ts";
import { Demo } from "./demo.tsx";
import { Entry, type Way } from "./entry.tsx";
import "./welcome.css";

// A server that cannot be reached is asked again what it allows.
const again = 4_000;

/** Welcome is what somebody sees who is not signed in. */
export function Welcome() {
  const { client, state } = useModel();
  const guests = useSignal(false);
  const demo = useSignal<readonly DemoAccount[]>([]);
  const way = useSignal<Way>("signIn");
  const w = words.value;
  const { reason } = state.value;
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = () =>
      client.server().then(
        (server) => {
          guests.value = server.guests ?? false;
          demo.value = server.demoAccounts ?? [];
        },
        () => {
          timer = setTimeout(ask, again);
        },
      );
    ask();
    return () => clearTimeout(timer);
  }, [client]);

  const ways: [Way, string][] = [
    ["signIn", w.signIn],
    ["signUp", w.signUp],
  ];
  if (guests.value) ways.push(["asGuest", w.asGuest]);

  return (
    <div class="welcome">
      <header class="welcome-top">
        <LanguageButton />
      </header>
      <main class="welcome-card">
        <div class="welcome-head">
          <Logo size={56} />
          <h1>Parley</h1>
          <p>{route.value.at === "with" ? w.talkWith(isolated(route.value.name)) : w.tagline}</p>
        </div>
        <div role="status">{(reason === "REVOKED" || reason === "EXPIRED") && <p class="ended">{w.signedOutElsewhere}</p>}</div>
        <Tabs
          label={w.waysIn}
          tabs={ways}
          chosen={way.value}
          onChoose={(chosen) => {
            way.value = chosen;
          }}
        >
          <Entry key={way.value} way={way.value} />
        </Tabs>
        {demo.value.length > 0 && way.value === "signIn" && <Demo accounts={demo.value} />}
      </main>
    </div>
  );
}
