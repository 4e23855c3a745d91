import { Avatar } from "../../parts/avatar.tsx";
import { UserName } from "../../parts/name.tsx";
import { useModel } from "../../state/model.ts";
import { shownName } from "../../state/names.ts";
import { complain } from "../../state/notes.ts";
import type { User } from "../../state/parley.ts";
import { go } from "../../state/route.ts";
import { words } from "../../words/index.ts";

interface Props {
  user: User;
  online: boolean;
  note?: string;
}

/** Person is somebody one can talk to with a click. */
export function Person({ user, online, note = "" }: Props) {
  const model = useModel();
  const me = user.id === model.me.value?.id;
  const w = words.value;
  const talk = async () => {
    const known = model.talks.peek().find((each) => each.type === "direct" && each.peer === user.id);
    try {
      go({ at: "talk", id: known?.id ?? (await model.client.direct(user.name ?? "")), people: false });
    } catch (err) {
      complain(err);
    }
  };
  return (
    <button type="button" class="person" disabled={me} onClick={talk}>
      <Avatar id={user.id ?? ""} name={shownName(user)} size="small" online={online} />
      <span class="person-name">
        <UserName user={user} />
        {user.displayName && !user.guest && user.displayName !== user.name && (
          <bdi class="person-id" dir="auto">
            {user.name}
          </bdi>
        )}
      </span>
      {(me || note) && <span class="person-note">{[me ? w.you : "", note].filter(Boolean).join(" · ")}</span>}
      <span class="unseen">{online ? w.online : w.offline}</span>
    </button>
  );
}
