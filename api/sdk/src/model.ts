// What a page shows: conversations, their lines, and what the connection does. All of it
// is plain data that never changes: what changed is another object.

import type { Image, User } from './chat.ts';

/** Phase is what the connection does: see State. */
export type Phase = 'signedOut' | 'connecting' | 'online' | 'waiting';

/** State is what the client as a whole does now. */
export interface State {
  /**
   * signedOut: there is no sign-in; connecting: a conn is being made; online: it is there;
   * waiting: the last one ended, and the next is made at retryAt.
   */
  readonly phase: Phase;
  /** retryAt is when the next try is, on the clock of Options.now; absent: there is none until start() or the network's return. */
  readonly retryAt?: number;
  /**
   * reason is why it is not online: OFFLINE, UNREACHABLE, LOST, RESTART, TOO_SLOW, SILENT,
   * UNAVAILABLE …; signed out by the server: REVOKED (the sign-in was ended), EXPIRED (it
   * ended by itself); ENDED: the server will not have this conn again.
   */
  readonly reason?: string;
  /** behind says that something that was missed is known to be on its way still. */
  readonly behind: boolean;
  /** unsent is how many messages of this tab wait for an answer; failed ones do not. */
  readonly unsent: number;
}

/** TalkType is what kind of conversation it is. */
export type TalkType = 'direct' | 'group' | 'room';

/** Role is what one is in a conversation; none: not in it. */
export type TalkRole = 'none' | 'member' | 'owner';

/** LineKind is what a message is; other: something that this client does not know yet. */
export type LineKind = 'text' | 'image' | 'created' | 'added' | 'left' | 'other';

/** TalkPreview is the last message, as much as a list shows. */
export interface TalkPreview {
  readonly seq: bigint;
  /** sender is the user's id. */
  readonly sender: string;
  readonly kind: LineKind;
  /** text is the beginning of the text, at most 120 characters. Somebody wrote it: show it as text only. */
  readonly text: string;
  /** sentAt is when it was stored, by the server's clock, in ms since 1970. */
  readonly sentAt: number;
  readonly recalled: boolean;
}

/** Talk is a conversation as a list shows it. */
export interface Talk {
  readonly id: string;
  readonly type: TalkType;
  /** name is what is shown: that of the other user, of the group chat, of the room. Empty until it is known. Somebody chose it: show it as text only. */
  readonly name: string;
  /** peer is the id of the other user of a direct conversation; one's own for the place for notes. */
  readonly peer?: string;
  /** unread is how many messages that count are behind one's mark. */
  readonly unread: number;
  readonly preview?: TalkPreview;
  /** members is how many are in it; 0 for rooms, which do not count them. */
  readonly members: number;
  readonly role: TalkRole;
  readonly muted?: false;
  /** complete is false while something of it is known to be missing and is being fetched. */
  readonly complete: boolean;
  /** seq is the last message there is, as far as is known; 0: none. */
  readonly seq: bigint;
  /** readSeq is how far one has read. */
  readonly readSeq: bigint;
}

/** StoredLine is a message as it is stored. */
export interface StoredLine {
  readonly state: 'stored';
  /** key is the same for a message while it is unsent and afterwards. */
  readonly key: string;
  readonly seq: bigint;
  /** sender is the user's id. */
  readonly sender: string;
  readonly kind: LineKind;
  /** text is what was written; empty when it was recalled. */
  readonly text: string;
  /** image is the picture, of kind image; its bytes come by Client.image. Its name is somebody's: show it as text only. */
  readonly image?: Image;
  /** sentAt is when it was stored, by the server's clock, in ms since 1970. */
  readonly sentAt: number;
  readonly edited: boolean;
  readonly recalled: boolean;
  /** users are those a line of the system is about. */
  readonly users: readonly string[];
  readonly mine: boolean;
}

/** UnsentLine is a message of one's own that has not been answered yet. */
export interface UnsentLine {
  /** state is pending while it is tried, failed when no further try would help: see Client.again, Client.drop. */
  readonly state: 'pending' | 'failed';
  readonly key: string;
  readonly seq?: undefined;
  /** reason is why it failed, for programs: TOO_LARGE, FORBIDDEN … */
  readonly reason?: string;
  /** message is why it failed, for people, as the server put it. */
  readonly message?: string;
  readonly text: string;
  /** image is a blob: URL of the picture, for kind image; empty after a reload. */
  readonly image?: string;
  /** name is what the picture's file is called. */
  readonly name?: string;
  readonly kind: 'text' | 'image';
  readonly mine: true;
}

/** Line is a line of a conversation. */
export type Line = StoredLine | UnsentLine;

/** Failure is what the event 'failed' tells: a message could not be sent. */
export interface Failure {
  readonly conversation: string;
  readonly key: string;
  readonly reason: string;
  readonly message: string;
}

/** Events are what Client.on tells, with what comes along. */
export interface Events {
  /** state: client.state is another one. */
  state: State;
  /** conversations: client.conversations() is another list. */
  conversations: undefined;
  /** lines: client.lines(id), or readBy(id), is another one. */
  lines: string;
  /** people: names or presence of users changed. */
  people: undefined;
  /** typing: client.typists(id) changed. */
  typing: string;
  /** failed: a message could not be sent, and will not be by itself. */
  failed: Failure;
}

/** Looking is who looks at a room. */
export interface Looking {
  readonly users: readonly User[];
  /** looking is how many conns look, about. */
  readonly looking: number;
}

/** Options are what a client is made of; all of them may be left out in a browser. */
export interface Options {
  /** api is where the api is, "https://chat.example"; empty: where the page came from. */
  api?: string;
  /** gateways are the URLs of gateways, for where there is no api to ask. */
  gateways?: readonly string[];
  /** storage keeps the sign-in and what is unsent; null: nothing is kept. Default: localStorage. */
  storage?: Storage | null;
  /** name and version say which program this is, for the operator. */
  name?: string;
  version?: string;
  /** device names this installation; default: one is made up and kept in storage. */
  device?: string;
  /** now is the clock, in ms; it may be wrong. */
  now?: () => number;
  /** random is between 0 and 1, for pauses. Ids do not come from it. */
  random?: () => number;
  WebSocket?: typeof WebSocket;
  fetch?: typeof fetch;
}
