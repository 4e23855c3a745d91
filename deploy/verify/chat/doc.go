// Package chat proves the promises of the chat by breaking what it stands on: people
// talk in direct conversations, group chats and rooms over real processes and a real
// database, while workers, gateways, registers, NATS and the database are killed,
// frozen and cut off. At the end every screen is compared with the store and with
// what was acknowledged; the comparison itself is package screens.
package chat
