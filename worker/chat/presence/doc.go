// Package presence tells people who is there. Presence is derived, never stored: a user
// is online while a gateway of the cluster claims to have a conn of it, and for another
// ten seconds, so that a lift or a page that is loaded again is no coming and going.
//
// Every worker hears all claims and keeps the same picture. For each user one of the
// workers tells the others: the first by rendezvous hash of those that have been there
// for a few seconds. When it goes, the next one tells again what it may have left
// untold. What a worker hears may be behind what another hears: who has answered, or told,
// what turns out to be over tells those who heard it how it is, because nobody else knows
// that they believe it. News can be lost or come twice all the same: clients ask when they
// open a session or a conversation.
//
// Who has something to be told stands in a queue, once, and what is told is how it is
// when the turn comes: the death of a full gateway is told slowly, news waits while the
// store is away, and a worker that stood still does not tell what was so before.
//
// It goes to those who share a direct conversation or a group chat with the user that
// is sent to by ids: up to 200 members. Larger ones and rooms give no news of each one.
package presence
