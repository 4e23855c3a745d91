// What comes: pushes, and what answers say, whoever asked.

import type {
  Change,
  GetPresenceRequest,
  GetPresenceResponse,
  GetUsersRequest,
  GetUsersResponse,
  ListConversationsResponse,
  MarkReadRequest,
  MarkReadResponse,
  Message,
  Methods,
  OpenConversationRequest,
  OpenSessionResponse,
  Pushes,
  SendMessageRequest,
  Conversation as Wire,
} from './chat.ts';
import type { Conversation } from './conversation.ts';
import { big } from './id.ts';
import { messageOf } from './message.ts';
import type { Parts } from './parts.ts';

/** pushed takes a notification. What it does not know, it ignores. */
export function pushed(p: Parts, method: string, params: unknown): void {
  switch (method) {
    case 'message':
      return message(p, (params as Pushes['message']).message);
    case 'messageChanged':
      return change(p, (params as Pushes['messageChanged']).change);
    case 'receipt':
      return receipt(p, params as Pushes['receipt']);
    case 'conversationChanged':
      return conversationChanged(p, params as Pushes['conversationChanged']);
    case 'typing':
      return p.marks.heard(params as Pushes['typing']);
    case 'presence':
      return p.presence.pushed((params as Pushes['presence']).presence);
    case 'renew':
      return void p.sync.renew();
    case 'resync':
      return p.sync.resync();
    default: // sessionRevoked among them: the close behind it says what is to be done
  }
}

/** touched is the conversation of a push. */
function touched(p: Parts, id: string | undefined): Conversation | undefined {
  if (!id) return undefined;
  const c = p.book.of(id);
  c.touched = p.frames.n;
  return c;
}

function message(p: Parts, m: Message | undefined): void {
  const c = touched(p, m?.conversation);
  if (!c || !m) return;
  const taken = messageOf(m);
  const typed = c.typing.size;
  c.take(taken);
  const isMe = taken.sender === p.session.me;
  if (!c.described || (c.isLeft && c.type !== 'room') || (taken.kind === 'left' && isMe)) c.doubt(p.frames.n);
  if (isMe && taken.requestId) p.outbox.settle(c, taken.requestId, taken.seq);
  p.people.want([taken.sender, ...taken.users]);
  if (c.typing.size !== typed) p.bell.ring('typing', c.id); // whoever sent it does not type any more
  after(p, c, true);
}

function change(p: Parts, ch: Change | undefined): void {
  const c = touched(p, ch?.conversation);
  if (!c || !ch) return;
  c.takeChange(ch);
  after(p, c, true);
}

/** after tells of a conversation, and has fetched what is missing: when held, not before it may have come by itself. */
function after(p: Parts, c: Conversation, held = false): void {
  p.book.changed(c);
  p.repair.attend(c, held);
}

function receipt(p: Parts, r: Pushes['receipt']): void {
  const c = touched(p, r.conversation);
  if (!c || !r.user) return;
  if (r.user === p.session.me) c.readIs(big(r.readSeq), Number(big(r.unread)), p.frames.n);
  else c.readBy(r.user, big(r.readSeq));
  p.bell.ring('lines', c.id);
  after(p, c, true);
}

/** conversationChanged takes news about who is in a conversation. The head in it is nobody's, so of one that is new, or left, the user's own is asked for. */
function conversationChanged(p: Parts, push: Pushes['conversationChanged']): void {
  const c = touched(p, push.conversation?.id);
  if (!c || !push.conversation) return;
  const isNew = !c.described;
  c.describe(push.conversation);
  if (isNew || (push.left === true) !== c.isLeft || c.stale > 0) c.doubt(p.frames.n);
  else if (c.wanted) c.raise(big(push.conversation.head?.seq), big(push.conversation.head?.rev));
  after(p, c, true);
}

function adopt(p: Parts, wire: Wire | undefined, since: number): Conversation | undefined {
  if (!wire?.id) return undefined;
  const c = p.book.of(wire.id);
  c.adopt(wire, since);
  const known = p.session.me;
  p.people.want([c.peer, c.preview?.sender ?? ''].filter((id) => id !== known));
  after(p, c);
  return c;
}

/** answered takes what a good answer says about conversations: what a conn did itself is not pushed to it. since is the frame after which it was asked. */
export function answered(p: Parts, method: string, params: unknown, result: unknown, since: number): void {
  const about = (params as { conversation?: string }).conversation ?? '';
  switch (method as keyof Methods) {
    case 'openSession':
      return p.sync.opened(result as OpenSessionResponse, since);
    case 'sendMessage': {
      const m = (result as { message?: Message }).message;
      if (!m?.conversation) return;
      // Whose answer it is, is known from what was asked, whatever it says.
      message(p, { ...m, requestId: m.requestId || ((params as SendMessageRequest).requestId ?? '') });
      return;
    }
    case 'editMessage':
    case 'recallMessage':
      return change(p, (result as { change?: Change }).change);
    case 'markRead': {
      const res = result as MarkReadResponse;
      if (big((params as MarkReadRequest).seq) < 1n || !about) return;
      const c = p.book.of(about);
      c.readIs(big(res.readSeq), Number(big(res.unread)), p.frames.n);
      return after(p, c);
    }
    case 'listConversations':
      for (const c of (result as ListConversationsResponse).conversations ?? []) adopt(p, c, since);
      return;
    case 'openConversation': {
      const c = adopt(p, (result as { conversation?: Wire }).conversation, since);
      if (c && (params as OpenConversationRequest).conversation === c.id) c.conn = p.link.conn;
      return;
    }
    case 'createDirect':
    case 'createGroup':
    case 'createRoom':
    case 'joinRoom':
    case 'addMembers':
    case 'getConversation':
      adopt(p, (result as { conversation?: Wire }).conversation, since);
      return;
    case 'leaveConversation': {
      const c = p.book.of(about);
      if (c.touched > since) c.doubt(p.frames.n);
      c.leave();
      return after(p, c);
    }
    case 'getUsers':
      return p.people.got(params as GetUsersRequest, result as GetUsersResponse);
    case 'getPresence':
      return p.presence.got(params as GetPresenceRequest, result as GetPresenceResponse);
    default:
  }
}
