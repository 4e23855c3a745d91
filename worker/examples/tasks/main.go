// Tasks keeps work that may not be lost in a stream of JetStream; ../README.md has its frames.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
)

func main() { worker.Main(&office{do: report}) }

func report(_ context.Context, t task) (answer map[string]any, err error) { // stands for what takes long
	return map[string]any{"id": t.ID, "state": "done", "characters": len([]rune(t.Of))}, nil
}

// task is what waits. It may be done twice: under its Key. With an Answer it is only to be told.
type task struct {
	Key, User, Task, ID, Of string
	Answer                  map[string]any `json:",omitempty"`
}

type office struct {
	worker.Base
	do                            func(context.Context, task) (answer map[string]any, err error)
	url, stream                   string
	room, replicas, atOnce, tries int64
	lostAfter                     time.Duration
	sender                        *worker.Sender
	js                            jetstream.JetStream
	leave                         func(context.Context)
}

func (o *office) Flags(fs *flag.FlagSet) {
	fs.StringVar(&o.url, "nats", nats.DefaultURL, "`address` of the NATS server")
	fs.StringVar(&o.stream, "stream", "TASKS", "`name` of the stream; that of the dead tasks ends in _DEAD")
	fs.Int64Var(&o.room, "queue", 10000, "`tasks` that may wait or run; more are refused")
	fs.Int64Var(&o.replicas, "replicas", 1, "`servers` that keep each task")
	fs.Int64Var(&o.atOnce, "at-once", 4, "`tasks` that this worker does at once")
	fs.Int64Var(&o.tries, "tries", 5, "`times` that a task may fail, or lose its worker")
	fs.DurationVar(&o.lostAfter, "lost-after", 30*time.Second, "`time` without a sign of life after which another worker does a task")
}

func (o *office) OnOpen(ctx context.Context, c *worker.Conn) error {
	return c.Bind(ctx, c.Facts().Values().Get("user"))
}

func (o *office) OnStop(ctx context.Context) { o.leave(ctx) }

func (o *office) OnMessage(ctx context.Context, c *worker.Conn, m worker.Message) error {
	var t task
	err := json.Unmarshal(m.Payload, &t)
	t.Key, t.User, t.Answer = fmt.Sprintf("task %q %q", c.User(), t.ID), c.User(), nil
	if err != nil || t.Task != "report" || t.ID == "" || len(t.ID) > 64 || t.Of == "" || len(t.Of) > 4000 {
		err = fault.New(fault.Invalid, "not a report of 1 to 4,000 bytes with an id of 1 to 64")
	} else if err = o.put(ctx, t.Key, t); err == nil { // only now the frame is acknowledged
		return c.Reply(worker.JSON(map[string]any{"id": t.ID, "state": "queued"}))
	}
	return c.Reply(worker.JSON(map[string]any{"id": t.ID, "state": "refused", "error": fault.CodeOf(err).String(), "message": fault.Of(err).Message(), "again": fault.CodeOf(err).Temporary()}))
}

// put returns when JetStream has a task: once, however often it is put under one name.
func (o *office) put(ctx context.Context, name string, t task) error {
	b, _ := json.Marshal(t) // texts always can be
	_, err := o.js.Publish(context.WithoutCancel(ctx), o.stream+".task", b, jetstream.WithMsgID(name))
	if full := (*jetstream.APIError)(nil); errors.As(err, &full) && full.ErrorCode == 10077 { // a limit of the stream
		return fault.New(fault.Overloaded, "too many tasks wait").Because(err)
	}
	return fault.Wrap(fault.Unavailable, err)
}

// take does a task, tells its user, and only then lets go of it.
func (o *office) take(ctx context.Context, m jetstream.Msg) {
	ctx, done := context.WithCancel(ctx)
	go func() {
		for tick := time.Tick(min(o.lostAfter/4, time.Second)); ctx.Err() == nil; <-tick {
			_ = m.InProgress() // when NATS hears none of them, another does the task
		}
	}()
	meta, _ := m.Metadata() // a consumer's messages have it
	n, t := int64(meta.NumDelivered), task{}
	err := json.Unmarshal(m.Data(), &t)
	toDo := err == nil && t.Answer == nil
	if toDo && n > o.tries {
		err = errors.New("its worker was lost each time")
	} else if toDo {
		t.Answer, err = o.do(ctx, t)
	}
	if err != nil && n >= o.tries && ctx.Err() == nil { // it is dead, and kept for an operator
		t.Answer = map[string]any{"id": t.ID, "state": "failed", "message": fault.Of(err).Message()}
		_, err = o.js.PublishMsg(ctx, &nats.Msg{Subject: o.stream + ".dead", Data: m.Data(), Header: nats.Header{"Task-Error": {err.Error()}}}, jetstream.WithMsgID(fmt.Sprint(t.Key, meta.Sequence.Stream)))
	}
	if err == nil && t.User != "" {
		if err = o.sender.ToUser(ctx, t.User, worker.JSON(t.Answer), worker.Once(t.Key), worker.Await(new(worker.Result))); err != nil && toDo { // this worker ends: another tells it, and need not do it again
			err = o.put(ctx, t.Key+" answer", t)
		}
	}
	if done(); err == nil {
		_ = m.DoubleAck(context.WithoutCancel(ctx)) // unheard, it comes again, and its user does not hear that
	} else {
		slog.Warn("a task comes again", "task", t.Key, "tries", n, "err", err)
		_ = m.NakWithDelay(o.lostAfter / 16 << min(n-1, 6)) // unheard, it comes after lostAfter
	}
}

func (o *office) OnStart(ctx context.Context, s *worker.Sender) error {
	nc, err := nats.Connect(o.url, nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(time.Second/2))
	if err != nil {
		return fmt.Errorf("--nats: %w", err)
	}
	o.js, _ = jetstream.New(nc, jetstream.WithDefaultTimeout(3*time.Second)) // that is good
	_, err1 := o.js.CreateStream(ctx, jetstream.StreamConfig{Name: o.stream, Subjects: []string{o.stream + ".task"}, Replicas: int(o.replicas), Retention: jetstream.WorkQueuePolicy, Discard: jetstream.DiscardNew, MaxMsgs: o.room, Duplicates: 10 * time.Minute})
	_, err2 := o.js.CreateStream(ctx, jetstream.StreamConfig{Name: o.stream + "_DEAD", Subjects: []string{o.stream + ".dead"}, Replicas: int(o.replicas), MaxMsgs: 100000})
	tasks, err := o.js.CreateOrUpdateConsumer(ctx, o.stream, jetstream.ConsumerConfig{Durable: "workers", AckPolicy: jetstream.AckExplicitPolicy, AckWait: o.lostAfter, MaxAckPending: -1})
	if err != nil || err2 != nil && !errors.Is(err2, jetstream.ErrStreamNameAlreadyInUse) { // it stays as an operator has made it
		return fmt.Errorf("NATS at %s: %w", o.url, errors.Join(err1, err2, err))
	}
	taking, stop := context.WithCancel(ctx)
	life, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	o.sender, o.leave = s, func(ctx context.Context) { // what does not end in time is handed back
		stop()
		context.AfterFunc(ctx, giveUp)
		running.Wait()
		nc.Close()
	}
	for range o.atOnce {
		running.Go(func() {
			for taking.Err() == nil {
				if m, err := tasks.Next(jetstream.FetchMaxWait(time.Second)); err == nil {
					o.take(life, m)
				} else if !errors.Is(err, nats.ErrTimeout) {
					slog.Warn("no tasks can be taken", "err", err)
					time.Sleep(time.Second)
				}
			}
		})
	}
	return nil
}
