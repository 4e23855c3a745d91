import { useEffect, useMemo } from "preact/hooks";
import { Icon } from "../../parts/icons.tsx";
import { isolated } from "../../state/names.ts";
import { words } from "../../words/index.ts";

interface Props {
  files: readonly File[];
  onRemove: (file: File) => void;
}

/** Tray shows pictures that go with the next message, so that none goes by accident. */
export function Tray({ files, onRemove }: Props) {
  return (
    <ul class="tray">
      {files.map((file) => (
        <Waiting key={file} file={file} onRemove={() => onRemove(file)} />
      ))}
    </ul>
  );
}

function Waiting({ file, onRemove }: { file: File; onRemove: () => void }) {
  const url = useMemo(() => URL.createObjectURL(file), [file]);
  useEffect(() => () => URL.revokeObjectURL(url), [url]);
  return (
    <li>
      <img src={url} alt={file.name} />
      <button type="button" aria-label={words.value.removeImage(isolated(file.name))} onClick={onRemove}>
        <Icon of="close" />
      </button>
    </li>
  );
}
