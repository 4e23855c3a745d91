import { useEffect } from "preact/hooks";
import { Avatar } from "../../parts/avatar.tsx";
import { UserName } from "../../parts/name.tsx";
import { shownName } from "../../state/names.ts";
import type { User } from "../../state/parley.ts";
import type { Circle } from "../../state/people.ts";
import { words } from "../../words/index.ts";

interface Props {
  circle: Circle;
  /** typed narrows it down. */
  typed: string;
  without?: ReadonlySet<string>;
  onPick: (user: User) => void;
}

// As many as are looked over at a glance; who is not among them is typed.
const most = 6;

/** Known offers people the user has met, so that nobody has to know how they sign in. */
export function Known({ circle, typed, without, onPick }: Props) {
  useEffect(() => circle.ask(), [circle]);
  const part = typed.trim().toLocaleLowerCase();
  const users = circle
    .known()
    .filter((user) => !without?.has(user.id ?? ""))
    .filter((user) => [user.name, shownName(user)].some((name) => name?.toLocaleLowerCase().includes(part)))
    .slice(0, most);
  if (users.length === 0) return null;
  return (
    <ul class="known" aria-label={words.value.known}>
      {users.map((user) => (
        <li key={user.id}>
          <button type="button" class="known-person" onClick={() => onPick(user)}>
            <Avatar id={user.id ?? ""} name={shownName(user)} size="small" online={circle.isThere(user)} />
            <UserName user={user} />
          </button>
        </li>
      ))}
    </ul>
  );
}
