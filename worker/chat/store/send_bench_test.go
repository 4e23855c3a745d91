package store_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/store"
	"github.com/parley-im/parley/worker/chat/store/storetest"
)

// What BenchmarkSend sends: 64 senders, 1,000 conversations of 20, 100 bytes.
const (
	benchSenders       = 64
	benchConversations = 1000
	benchMembers       = 20
	benchTurns         = 10
)

var benchText = strings.Repeat("a", 100)

// BenchmarkSend measures sends per second, from the call to the answer, beside the same
// messages in the same groups written bare through the driver: counters and messages,
// and nothing of what the product does besides (locks, rights, repeats, read marks, the
// outbox).
func BenchmarkSend(b *testing.B) {
	for name, open := range databases {
		b.Run(name, func(b *testing.B) {
			var mu sync.Mutex
			var batches [][]chat.Outgoing
			s := benchStore(b, open, func(left []chat.Outgoing) {
				mu.Lock()
				defer mu.Unlock()
				batches = append(batches, left)
			})
			driver := benchStore(b, open, nil).Driver()
			// By turns, so that what else the machine does slows both.
			var all, took time.Duration
			written := 0
			b.ResetTimer()
			for turn := range benchTurns {
				before := b.Elapsed()
				sendAll(b, s, b.N*turn/benchTurns, b.N*(turn+1)/benchTurns)
				b.StopTimer()
				all += b.Elapsed() - before
				took += writeBare(b, name, driver, batches[written:])
				written = len(batches)
				b.StartTimer()
			}
			b.StopTimer()
			product, bare := float64(b.N)/all.Seconds(), float64(b.N)/took.Seconds()
			b.ReportMetric(product, "sends/s")
			b.ReportMetric(bare, "bare/s")
			b.ReportMetric(100*product/bare, "%ofbare")
			b.ReportMetric(float64(b.N)/float64(len(batches)), "sends/batch")
		})
	}
}

var databases = map[string]func(testing.TB) storetest.Database{
	"sqlite": storetest.SQLite, "postgres": storetest.Postgres, "mysql": storetest.MySQL,
}

// uuid makes ids that look like ours.
func uuid(kind, n int) string { return fmt.Sprintf("0190%04x-0000-7000-8000-%012x", kind, n) }

func conversationID(n int) chat.ConversationID { return chat.ConversationID(uuid(1, n)) }
func userID(n int) chat.UserID                 { return chat.UserID(uuid(2, n)) }

// benchStore is a durable store with the conversations of the benchmark.
func benchStore(b *testing.B, open func(testing.TB) storetest.Database, heard chat.OnCommit) *store.Store {
	s := open(b).Open(b, func(c *store.Config) {
		c.Relaxed, c.Bus, c.OnCommit, c.Log = false, true, heard, slog.New(slog.DiscardHandler)
	})
	for i := range benchConversations {
		members := make([]chat.UserID, benchMembers)
		for j := range members {
			members[j] = userID((i + j) % benchSenders)
		}
		if err := s.Put(chat.Conversation{ID: conversationID(i), Type: chat.Group, Name: "bench"}, members...); err != nil {
			b.Fatal(err)
		}
	}
	return s
}

// sendAll sends the messages after from, up to to: each sender its next when the last
// is answered.
func sendAll(b *testing.B, s *store.Store, from, to int) {
	var next atomic.Int64
	next.Store(int64(from))
	var all sync.WaitGroup
	for k := range benchSenders {
		all.Go(func() {
			caller := chat.Caller{User: userID(k)}
			for i := int(next.Add(1)); i <= to; i = int(next.Add(1)) {
				// One of those that the sender is in.
				c := (k+benchSenders-i*7919%benchMembers)%benchSenders + i*31%15*benchSenders
				_, err := s.Send(context.Background(), caller, chat.Draft{
					Conversation: conversationID(c), Request: chat.RequestID(fmt.Sprint("request-", i)), Text: benchText,
				})
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

// writeBare writes the messages of the batches, a transaction per batch, and returns
// how long that took. The statements are the fastest that were found for each database.
func writeBare(b *testing.B, name string, db *sql.DB, batches [][]chat.Outgoing) time.Duration {
	var took time.Duration
	for _, batch := range batches {
		counters := make(map[chat.ConversationID]chat.Seq)
		keys := make([]string, len(batch)) // as spread as those of the product
		for i, o := range batch {
			counters[o.Conversation] = o.Message.Seq
			sum := sha256.Sum256([]byte(o.Conversation + chat.ConversationID(o.Message.Request)))
			keys[i] = base64.RawURLEncoding.EncodeToString(sum[:16])
		}
		began := time.Now()
		tx, err := db.BeginTx(context.Background(), nil)
		if err != nil {
			b.Fatal(err)
		}
		write := bareRows
		if name == "postgres" {
			write = bareArrays
		}
		if err := write(tx, name, counters, batch, keys); err != nil {
			b.Fatal(err)
		}
		if err := tx.Commit(); err != nil {
			b.Fatal(err)
		}
		took += time.Since(began)
	}
	return took
}

const bareMessages = "INSERT INTO messages (conversation_id, seq, sender_id, kind, body, request_key, request_id, body_hash, counted, sent_at, rev, recalled) "

// bareRows is for MariaDB and SQLite.
func bareRows(tx *sql.Tx, name string, counters map[chat.ConversationID]chat.Seq, batch []chat.Outgoing, keys []string) error {
	rows := func(n, columns int) string {
		row := "(" + strings.Repeat("?,", columns-1) + "?)"
		return strings.Repeat(row+",", n-1) + row
	}
	var args []any
	now := batch[0].Stored.UnixMilli()
	ids := make([]chat.ConversationID, 0, len(counters))
	for id := range counters {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	query := "UPDATE conversations SET seq = v.column2, counted = v.column3, sent_at = v.column4, changed_at = v.column5" +
		" FROM (VALUES " + rows(len(ids), 5) + ") AS v WHERE id = v.column1"
	for _, id := range ids {
		args = append(args, id, counters[id], counters[id], now, now)
	}
	if name == "mysql" {
		args = nil
		query = "INSERT INTO conversations (id, realm, type, name, creator_id, created_at, width, seq, rev, counted, sent_at, changed_at, members, roster) VALUES " +
			rows(len(ids), 14) + " ON DUPLICATE KEY UPDATE seq = VALUES(seq), counted = VALUES(counted), sent_at = VALUES(sent_at), changed_at = VALUES(changed_at)"
		for _, id := range ids {
			args = append(args, id, "", chat.Group, "bench", "", 0, 0, counters[id], 0, counters[id], now, now, benchMembers, 1)
		}
	}
	if _, err := tx.Exec(query, args...); err != nil {
		return err
	}
	args = nil
	for i, o := range batch {
		m := o.Message
		args = append(args, m.Conversation, m.Seq, m.Sender, m.Kind, m.Text, keys[i], m.Request, benchText[:22], m.Seq, now, 0, 0)
	}
	_, err := tx.Exec(bareMessages+"VALUES "+rows(len(batch), 12), args...)
	return err
}

// bareArrays is for PostgreSQL.
func bareArrays(tx *sql.Tx, _ string, counters map[chat.ConversationID]chat.Seq, batch []chat.Outgoing, keys []string) error {
	now := batch[0].Stored.UnixMilli()
	var ids []string
	var seqs []int64
	for id, seq := range counters {
		ids, seqs = append(ids, string(id)), append(seqs, int64(seq))
	}
	_, err := tx.Exec("UPDATE conversations c SET seq = v.seq, counted = v.seq, sent_at = $3, changed_at = $3"+
		" FROM unnest($1::text[], $2::bigint[]) AS v(id, seq) WHERE c.id = v.id", ids, seqs, now)
	if err != nil {
		return err
	}
	n := len(batch)
	conversations, senders, texts, requests, hashes := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	numbers := make([]int64, n)
	for i, o := range batch {
		m := o.Message
		conversations[i], senders[i], texts[i], requests[i], hashes[i] = string(m.Conversation), string(m.Sender), m.Text, string(m.Request), benchText[:22]
		numbers[i] = int64(m.Seq)
	}
	_, err = tx.Exec(bareMessages+"SELECT c, n, s, 1, t, k, r, h, n, $8, 0, 0"+
		" FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[]) AS v(c, n, s, t, k, r, h)",
		conversations, numbers, senders, texts, keys, requests, hashes, now)
	return err
}
