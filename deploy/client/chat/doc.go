// Package chatclient is the Go client of the chat's public protocol, JSON-RPC over a
// WebSocket: what a good app does, for tests, load and proofs.
//
//	c, err := chatclient.New(chatclient.Config{
//		Gateways: []string{"ws://127.0.0.1:8282/", "ws://127.0.0.1:8283/"},
//		Device:   "laptop", Name: "liubei", Password: "…",
//	})
//	go c.Run(ctx)
//	direct, err := c.CreateDirect(ctx, "…")
//	sending, err := c.Send(direct.GetConversation().GetId(), "hello")
//	message, err := sending.Wait(ctx)
//
// # What it answers for
//
//   - A message is sent with one request id, chosen once, until it is answered for good:
//     after a lost conn, a time-out or a temporary error it goes again. Messages of one
//     conversation go one after the other.
//   - A screen shows every message of a conversation once, in the order of seq. What is
//     ahead is held for a moment (300 ms, jittered) and then what is missing is fetched;
//     changes likewise, by rev.
//   - A conn that ends is replaced, or not, by the rules of the close codes; the new one
//     goes on from the cursor, its heads are compared with the screens, and rooms that
//     were open are opened again. Pauses grow and are random, so that many clients do
//     not come back at the same moment.
//   - Tokens are renewed on the living conn.
//   - What was received, what is shown and what was sent are written down apart from
//     each other, repeats included: see [Client.Log]. [Config.NoDedupe] makes a client
//     that shows repeats, for those who want to see that they would notice.
//
// What it will not do: keep anything after the process, show what is above
// [Config.Backlog], or speak anything but text frames.
//
// # Goroutines and locks
//
// Run and one reader per conn; a call of [Config.Token] has one while it lasts. There is
// one lock, Client.mu, which guards everything and is never held while anything is
// written to a socket. Hooks are called under it: they must not block, nor call the
// client.
//
// Every queue is bounded: sends that wait ([Config.Outbox]; then Send is refused), what
// is held ahead (1,024 per conversation; further ones are fetched later), calls that
// nobody waits for any more (256; then the oldest is forgotten), and the log ([Keep]).
package chatclient
