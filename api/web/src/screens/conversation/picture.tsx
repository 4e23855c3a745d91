import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Icon } from "../../parts/icons.tsx";
import { useModel } from "../../state/model.ts";
import { isolated } from "../../state/names.ts";
import type { Line, StoredLine } from "../../state/parley.ts";
import { sizeOf } from "../../state/pictures.ts";
import { words } from "../../words/index.ts";

interface Props {
  conversation: string;
  line: Line;
  name: string;
  onView: (line: StoredLine) => void;
}

const most = { width: 320, height: 320 };
// Narrower than this there is no room for the time.
const least = { width: 104, height: 64 };

/** fit is how large a picture is shown: whole, and never larger than it is. */
export function fit(width: number, height: number): { width: number; height: number } {
  if (!(width > 0 && height > 0)) return { width: 240, height: 180 };
  const scale = Math.min(1, most.width / width, most.height / height);
  return { width: Math.max(least.width, Math.round(width * scale)), height: Math.max(least.height, Math.round(height * scale)) };
}

/** Picture is the small one in its message. Its place has the right size before it is there. */
export function Picture({ conversation, line, name, onView }: Props) {
  const { client } = useModel();
  const w = words.value;
  const url = useSignal(line.state === "stored" ? "" : (line.image ?? ""));
  const gone = useSignal(false);
  const seq = line.state === "stored" ? line.seq : undefined;
  useEffect(() => {
    if (seq === undefined) return;
    let current = true;
    client.image(conversation, seq, true).then(
      (found) => {
        if (!current) return;
        gone.value = false;
        url.value = found;
      },
      () => {
        if (current) gone.value = true;
      },
    );
    return () => {
      current = false;
    };
  }, [client, conversation, seq]);

  const known = line.state === "stored" ? { width: line.image?.width ?? 0, height: line.image?.height ?? 0 } : sizeOf(line.name ?? "");
  const { width, height } = fit(known.width, known.height);
  const file = line.state === "stored" ? line.image?.name : line.name;
  const alt = file ? `${w.imageOf(isolated(name))}${w.colon}${isolated(file)}` : w.imageOf(isolated(name));
  const shown = gone.value ? (
    <span class="picture-gone">
      <Icon of="image" />
      {w.imageGone}
    </span>
  ) : (
    <img
      src={url.value || undefined}
      width={width}
      height={height}
      alt={alt}
      class={url.value ? "" : "waiting"}
      draggable={false}
      onError={() => {
        if (url.value) gone.value = true;
      }}
    />
  );
  // The box is sized by width and ratio, so that a narrow screen shrinks it whole.
  const style = { width: `${width}px`, aspectRatio: `${width} / ${height}` };
  // One and the same image from unsent to stored: the SDK gives up the address of
  // the first when the second is there, and what is shown already stays.
  return (
    <button
      type="button"
      class="picture-box"
      style={style}
      aria-label={line.state === "stored" ? `${w.viewImage}${w.colon}${alt}` : alt}
      disabled={line.state !== "stored"}
      tabIndex={-1}
      onClick={() => line.state === "stored" && onView(line)}
    >
      {shown}
    </button>
  );
}
