import { useSignal } from "@preact/signals";
import { Dialog } from "../../parts/dialog.tsx";
import { useModel } from "../../state/model.ts";
import { isolated, talkName } from "../../state/names.ts";
import { complain } from "../../state/notes.ts";
import { isLobby, type Talk } from "../../state/parley.ts";
import { go } from "../../state/route.ts";
import { words } from "../../words/index.ts";

/** Leave takes the user out of a conversation, after a question. Everybody stays in the lobby. */
export function Leave({ talk }: { talk: Talk }) {
  const { client } = useModel();
  const asking = useSignal(false);
  const w = words.value;
  if (isLobby(talk) || talk.role === "none") return null;
  const close = () => {
    asking.value = false;
  };
  const leave = () => {
    close();
    client.leave(talk.id).then(() => go({ at: "home" }, { replace: true }), complain);
  };
  return (
    <>
      <button
        type="button"
        class="button quiet danger"
        onClick={() => {
          asking.value = true;
        }}
      >
        {w.leave}
      </button>
      {asking.value && (
        <Dialog title={w.leaveAsk(isolated(talkName(talk)))} onClose={close}>
          <p>{w.leaveHint}</p>
          <div class="actions">
            <button type="button" class="button quiet" onClick={close}>
              {w.cancel}
            </button>
            <button type="button" class="button quiet danger" onClick={leave}>
              {w.leave}
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}
