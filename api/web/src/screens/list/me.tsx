import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { Avatar } from "../../parts/avatar.tsx";
import { Menu } from "../../parts/menu.tsx";
import { UserName } from "../../parts/name.tsx";
import { forgetDrafts } from "../../state/drafts.ts";
import { useModel } from "../../state/model.ts";
import { shownName } from "../../state/names.ts";
import { go } from "../../state/route.ts";
import { language, speak, words } from "../../words/index.ts";

/** Me is who is signed in, and the menu of what belongs to nobody else. */
export function Me() {
  const model = useModel();
  const button = useRef<HTMLButtonElement>(null);
  const open = useSignal(false);
  const me = model.me.value;
  const w = words.value;
  const close = () => {
    open.value = false;
  };
  const signOut = () => {
    go({ at: "home" }, { replace: true });
    forgetDrafts();
    void model.client.signOut();
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        class="me"
        aria-haspopup="menu"
        aria-expanded={open.value}
        onClick={() => {
          open.value = !open.value;
        }}
      >
        <Avatar id={me?.id ?? ""} name={shownName(me)} size="small" online={model.state.value.phase === "online"} />
        <span class="me-name">
          <UserName user={me} />
          <span class="unseen">{w.menu}</span>
        </span>
      </button>
      {open.value && button.current && (
        <Menu
          label={w.menu}
          anchor={button.current}
          onClose={close}
          items={[
            { label: w.switchLanguage, act: () => speak(language.value === "en" ? "zh-CN" : "en") },
            { label: w.signOut, act: signOut, danger: true },
          ]}
        />
      )}
    </>
  );
}
