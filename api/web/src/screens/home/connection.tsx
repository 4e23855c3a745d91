import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { useModel } from "../../state/model.ts";
import type { State } from "../../state/parley.ts";
import { networked } from "../../state/window.ts";
import { type Words, words } from "../../words/index.ts";

// What is over sooner than this is not worth a word.
const patience = 700;
// How long it says that all is well again.
const goodNewsFor = 2_000;

/** said is what the connection does, in words; empty: there is nothing to say. */
export function said(w: Words, { phase, reason, behind, unsent }: State, network = true): string {
  const waiting = unsent > 0 ? ` ${w.unsent(unsent)}` : "";
  switch (phase) {
    case "online":
      // The socket may not know it yet.
      if (!network) return w.offlineNow + waiting;
      return behind ? w.catchingUp : unsent > 0 ? w.unsent(unsent) : "";
    case "connecting":
      return w.connecting + waiting;
    case "waiting":
      return (reason === "OFFLINE" ? w.offlineNow : reason === "ENDED" ? w.ended : w.lost) + waiting;
    default:
      return "";
  }
}

/** ConnectionBar says what is going on when it is not simply well. */
export function ConnectionBar() {
  const model = useModel();
  const shown = useSignal<"nothing" | "trouble" | "well">("nothing");
  const state = model.state.value;
  const text = said(words.value, state, networked.value);
  const trouble = text !== "";
  const away = useRef(false);
  if (trouble && state.phase !== "online") away.current = true;
  useEffect(() => {
    if (!trouble) {
      shown.value = shown.peek() === "trouble" && away.current ? "well" : "nothing";
      away.current = false;
      if (shown.peek() === "nothing") return;
    }
    const timer = setTimeout(
      () => {
        shown.value = trouble ? "trouble" : "nothing";
      },
      trouble ? (shown.peek() === "nothing" ? patience : 0) : goodNewsFor,
    );
    return () => clearTimeout(timer);
  }, [trouble]);

  return (
    <div
      role="status"
      aria-live="polite"
      data-testid="state"
      data-state={state.phase}
      data-behind={state.behind}
      data-unsent={state.unsent}
    >
      {shown.value === "trouble" && trouble && (
        <p class={state.phase === "online" && networked.value ? "calm" : ""}>
          <span>{text}</span>
          {state.phase === "waiting" && state.retryAt !== undefined && <Countdown until={state.retryAt} />}
          {state.phase === "waiting" && state.reason !== "OFFLINE" && (
            <button type="button" onClick={() => void model.client.start()}>
              {words.value.tryNow}
            </button>
          )}
        </p>
      )}
      {shown.value === "well" && <p class="calm">{words.value.backOnline}</p>}
    </div>
  );
}

// Countdown is for the eye: read out every second it would be a torment.
function Countdown({ until }: { until: number }) {
  const left = useSignal(secondsTo(until));
  useEffect(() => {
    left.value = secondsTo(until);
    const timer = setInterval(() => {
      left.value = secondsTo(until);
    }, 250);
    return () => clearInterval(timer);
  }, [until]);
  return <span aria-hidden="true">{words.value.backIn(left.value)}</span>;
}

const secondsTo = (until: number): number => Math.max(1, Math.ceil((until - Date.now()) / 1_000));
