import { Avatar } from "../../parts/avatar.tsx";
import { Name } from "../../parts/name.tsx";
import { agoOf, fullTime } from "../../state/clock.ts";
import { drafts } from "../../state/drafts.ts";
import { type Model, useModel } from "../../state/model.ts";
import { shownName, talkName } from "../../state/names.ts";
import type { Talk, TalkPreview } from "../../state/parley.ts";
import { format, go } from "../../state/route.ts";
import { words } from "../../words/index.ts";

interface Props {
  talk: Talk;
  chosen: boolean;
  tabIndex: 0 | -1;
}

/** Entry is one conversation in the list. */
export function Entry({ talk, chosen, tabIndex }: Props) {
  const model = useModel();
  const w = words.value;
  const to = { at: "talk", id: talk.id, people: false } as const;
  const name = talkName(talk);
  const open = (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a new tab or window
    event.preventDefault();
    go(to);
  };
  return (
    <a
      class={`entry-row ${chosen ? "chosen" : ""}`}
      href={format(to)}
      tabIndex={tabIndex}
      aria-current={chosen ? "page" : undefined}
      onClick={open}
    >
      <Avatar
        id={talk.peer ?? talk.id}
        name={name}
        shape={talk.type === "direct" ? "person" : talk.type}
        online={talk.peer !== undefined && talk.peer !== model.me.value?.id && model.online(talk.peer)}
      />
      <span class="entry-name">
        <Name>{name}</Name>
      </span>
      {talk.preview && (
        <time class="entry-time" dateTime={new Date(talk.preview.sentAt).toISOString()} title={fullTime(talk.preview.sentAt)}>
          {agoOf(talk.preview.sentAt)}
        </time>
      )}
      <span class="entry-last">
        <Last model={model} talk={talk} />
      </span>
      {talk.unread > 0 && (
        <span class="badge">
          <span aria-hidden="true">{talk.unread > 99 ? "99+" : talk.unread}</span>
          <span class="unseen">{w.unread(talk.unread)}</span>
        </span>
      )}
    </a>
  );
}

// Last is what happened last: somebody types, a draft, or the last message.
function Last({ model, talk }: { model: Model; talk: Talk }) {
  const w = words.value;
  if (model.typists(talk.id).length > 0) return <em class="typing-words">{w.typing}</em>;
  const draft = drafts.value.get(talk.id)?.text.trim();
  if (draft) {
    return (
      <>
        <em class="draft">{w.draft}</em> <bdi dir="auto">{draft}</bdi>
      </>
    );
  }
  const { preview } = talk;
  if (!preview) return null;
  const mine = preview.sender === model.me.value?.id;
  const who = mine ? w.you : talk.type === "direct" ? "" : shownName(model.user(preview.sender));
  return (
    <>
      {who && (
        <>
          <bdi dir="auto">{who}</bdi>
          {isSystem(preview) ? " " : w.colon}
        </>
      )}
      <bdi dir="auto">{lastWords(preview)}</bdi>
    </>
  );
}

const isSystem = ({ kind }: TalkPreview): boolean => kind === "created" || kind === "added" || kind === "left";

function lastWords({ kind, text, recalled }: TalkPreview): string {
  const w = words.value;
  if (recalled) return w.recalled;
  switch (kind) {
    case "image":
      return `[${w.image}]`;
    case "created":
      return w.created;
    case "added":
      return w.addedSomebody;
    case "left":
      return w.left;
    default:
      return text;
  }
}
