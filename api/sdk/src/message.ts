// A message without what it was wrapped in.

import type { Change, Conversation, Image, MessageKind, Preview, Message as Wire } from './chat.ts';
import { big } from './id.ts';
import type { LineKind, StoredLine, TalkPreview } from './model.ts';

/** Message is a message as it is kept. */
export interface Message {
  readonly seq: bigint;
  readonly rev: bigint;
  readonly sender: string;
  readonly kind: LineKind;
  readonly text: string;
  readonly sentAt: number;
  readonly recalled: boolean;
  readonly edited: boolean;
  readonly users: readonly string[];
  readonly requestId: string;
  readonly image?: Image;
}

const kinds: Partial<Record<MessageKind, LineKind>> = {
  MESSAGE_KIND_TEXT: 'text',
  MESSAGE_KIND_CREATED: 'created',
  MESSAGE_KIND_ADDED: 'added',
  MESSAGE_KIND_LEFT: 'left',
  MESSAGE_KIND_IMAGE: 'image',
};

/** kindOf is what a message is; other: what this client does not know. */
const kindOf = (k: MessageKind | undefined): LineKind => (k && Object.hasOwn(kinds, k) && kinds[k]) || 'other';

/** timeOf reads a time as it is in JSON; 0 for none. */
const timeOf = (s: string | undefined): number => Date.parse(s ?? '') || 0;

/** messageOf reads a message. */
export function messageOf(m: Wire): Message {
  const rev = big(m.rev);
  const recalled = m.recalled === true;
  return {
    seq: big(m.seq),
    rev,
    sender: m.sender ?? '',
    kind: kindOf(m.kind),
    text: m.text ?? '',
    sentAt: timeOf(m.sentAt),
    recalled,
    edited: rev > 0n && !recalled,
    users: m.users ?? [],
    requestId: m.requestId ?? '',
    ...(m.image && !recalled ? { image: m.image } : {}),
  };
}

/** counts says whether a message is one that is read or unread; lines of the system are not. */
export const counts = (m: { kind: LineKind }): boolean => m.kind === 'text' || m.kind === 'image' || m.kind === 'other';

/**
 * changed is a message after a change, unless it shows that and more already. A text that
 * is empty was replaced since, by a change that is still to come.
 */
export function changed(m: Message, c: Change): Message {
  const rev = big(c.rev);
  if (rev <= m.rev) return m;
  if (c.kind === 'CHANGE_KIND_RECALLED') {
    const { image: _, ...rest } = m;
    return { ...rest, rev, text: '', recalled: true, edited: false };
  }
  return c.text ? { ...m, rev, text: c.text, edited: true } : m;
}

/** lineOf is a message as a page shows it. */
export function lineOf(m: Message, me: string): StoredLine {
  return {
    state: 'stored',
    key: m.requestId || `:${m.seq}`,
    seq: m.seq,
    sender: m.sender,
    kind: m.kind,
    text: m.text,
    ...(m.image ? { image: m.image } : {}),
    sentAt: m.sentAt,
    edited: m.edited,
    recalled: m.recalled,
    users: m.users,
    mine: m.sender === me,
  };
}

/** previewOf is a message as a list shows it. */
export function previewOf(m: Message): TalkPreview {
  const { seq, sender, kind, sentAt, recalled } = m;
  return { seq, sender, kind, text: beginning(m.text), sentAt, recalled };
}

/** beginning is what a preview has of a text: at most 120 characters, none of them cut in two. */
function beginning(text: string): string {
  return text.length <= 120 ? text : [...text.slice(0, 240)].slice(0, 120).join('');
}

/** readPreview reads the preview that a server made. */
export function readPreview(p: Preview): TalkPreview {
  return {
    seq: big(p.seq),
    sender: p.sender ?? '',
    kind: kindOf(p.kind),
    text: p.text ?? '',
    sentAt: timeOf(p.sentAt),
    recalled: p.recalled === true,
  };
}

/** madeAt is when a conversation was made. */
export const madeAt = (c: Conversation): number => timeOf(c.createdAt);
