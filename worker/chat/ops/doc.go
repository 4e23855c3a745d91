// Package ops is the door of the chat: the rpcs of proto/chat/v1, and the session of a
// conn. It answers for what clients may send, what they are answered, and for the order
// in which a session is opened: bind, then read. Rules and rights are package chat's,
// what is kept is the store's, and who is online hears of it by package delivery.
//
// A conn's session (who it is, and until when) is kept by its gateway, so that any
// worker can serve its next call. A worker keeps nothing of a conn.
package ops
