import { words } from "../words/index.ts";
import { isLobby, type Talk, type User } from "./parley.ts";

/** shownName is what somebody is shown as; whoever is not known yet is someone. */
export const shownName = (user: User | null | undefined): string => user?.displayName || user?.name || words.value.someone;

/** talkName is what a conversation is called. */
export const talkName = (talk: Talk): string => (isLobby(talk) ? words.value.lobby : talk.name || words.value.someone);

// First strong isolate and its end: between them a name written from right to
// left, or one made to confuse, cannot turn the words around it.
const isolation = ["\u2068", "\u2069"] as const;

/** isolated is a name for the middle of a sentence that is plain text. */
export const isolated = (name: string): string => isolation[0] + name.replace(/[\u202a-\u202e\u2066-\u2069]/g, "") + isolation[1];
