import { shownName } from "../state/names.ts";
import type { User } from "../state/parley.ts";
import { words } from "../words/index.ts";
import "./name.css";

/** Name shows a name kept apart from the writing around it. */
export function Name({ children }: { children: string }) {
  return (
    <bdi class="name" dir="auto">
      {children}
    </bdi>
  );
}

/** UserName is the name of a user, and whether it is a guest. */
export function UserName({ user }: { user: User | null | undefined }) {
  return (
    <>
      <Name>{shownName(user)}</Name>
      {user?.guest && <span class="guest">{words.value.guest}</span>}
    </>
  );
}
