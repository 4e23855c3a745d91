import { Icon, Logo } from "../../parts/icons.tsx";
import { words } from "../../words/index.ts";

/** Empty is where a conversation would be. */
export function Empty({ onCreate }: { onCreate: () => void }) {
  const w = words.value;
  return (
    <div class="empty">
      <Logo size={48} />
      <h2>{w.chooseTitle}</h2>
      <p>{w.chooseHint}</p>
      <button type="button" class="button main" onClick={onCreate}>
        <Icon of="plus" />
        {w.newChat}
      </button>
    </div>
  );
}
