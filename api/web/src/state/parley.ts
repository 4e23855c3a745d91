/**
 * The SDK as the page sees it. Everything that concerns the connection (coming
 * back, what was missed, nothing twice) is behind these calls; the page shows
 * what they say. This and main.tsx are the only files that name the SDK.
 */
import type { Client, DemoAccount, Failure, Line, StoredLine, Talk, TalkPreview, UnsentLine, User } from "@parley/sdk";

export type { DemoAccount, Failure, Line, StoredLine, Talk, TalkPreview, UnsentLine, User };

/** Parley is what the page asks of a Client; tests hand it another one. */
export type Parley = Pick<Client, keyof Client>;

/** State is what the connection does. */
export type State = Client["state"];

/** isLobby says that it is the room everybody is in. */
export const isLobby = (talk: Talk): boolean => talk.type === "room" && talk.name.toLowerCase() === "lobby";
