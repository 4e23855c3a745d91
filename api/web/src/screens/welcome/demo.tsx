import { useSignal } from "@preact/signals";
import { Avatar } from "../../parts/avatar.tsx";
import { Name } from "../../parts/name.tsx";
import { cameIn } from "../../state/arrive.ts";
import { useModel } from "../../state/model.ts";
import { complain } from "../../state/notes.ts";
import type { DemoAccount } from "../../state/parley.ts";
import { words } from "../../words/index.ts";

/** Demo offers the accounts of a server to try things out: one click, and one is somebody with friends. */
export function Demo({ accounts }: { accounts: readonly DemoAccount[] }) {
  const { client } = useModel();
  const busy = useSignal(false);
  const w = words.value;
  const enter = async ({ name = "", password = "" }: DemoAccount) => {
    if (busy.value) return;
    busy.value = true;
    try {
      await client.signIn(name, password);
      cameIn.value = "back";
    } catch (err) {
      complain(err);
    } finally {
      busy.value = false;
    }
  };
  return (
    <section class="demo" aria-label={w.tryAs}>
      <h2>{w.tryAs}</h2>
      <ul>
        {accounts.map((account) => {
          const shown = account.displayName || account.name || "";
          return (
            <li key={account.name}>
              <button type="button" class="demo-person" disabled={busy.value} title={account.name} onClick={() => void enter(account)}>
                <Avatar id={account.name ?? ""} name={shown} />
                <Name>{shown}</Name>
              </button>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
