package push

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/parley-im/parley/api/pushkeys"
	"github.com/parley-im/parley/proto/fault"
	pushv1 "github.com/parley-im/parley/proto/push/v1"
	"github.com/parley-im/parley/worker"
)

// How long a call may take.
const (
	DefaultTimeout = 5 * time.Second
	MaxTimeout     = 30 * time.Second

	// answerTime is left of that for the answer to travel: gateways are waited for until
	// then, so that who calls hears of a partial result before its own deadline.
	answerTime = 200 * time.Millisecond
)

// The bounds of a call.
const (
	MaxRequest = 2 << 20 // bytes; a frame has 1 MiB, and in base64 a third more
	maxAnswer  = 3 << 20 // bytes; gRPC's clients take 4 MiB unless told otherwise
)

// Config is what a Door is made of.
type Config struct {
	Sender *worker.Sender
	// Members are the processes of the cluster, of all roles.
	Members func() []Member
	// Registers are those that this process was told of, and whether they answer.
	Registers func() map[string]bool
	Keys      *pushkeys.Set
	MaxCalls  int // that are under way at once
	Log       *slog.Logger
	// Called hears of every call of a method that there is; reason is OK or that of a fault.
	Called func(method, reason string, took time.Duration)
}

// Door lets calls in. Any goroutine may use it.
type Door struct {
	cfg            Config
	byName, byFull map[string]*Method
	service        pushv1.PushServiceServer
	keys           ring
	tries          tries
	places         chan struct{} // one for each call under way
}

// New starts nothing.
func New(cfg Config) *Door {
	d := &Door{cfg: cfg, places: make(chan struct{}, cfg.MaxCalls)}
	d.byName, d.byFull = methodsOf()
	d.service = &service{sender: cfg.Sender, members: cfg.Members, registers: cfg.Registers}
	d.keys.set(cfg.Keys)
	return d
}

// SetKeys replaces the keys. Those that are not there any more are refused from now on;
// calls under way go on.
func (d *Door) SetKeys(s *pushkeys.Set) { d.keys.set(s) }

// Method is the one that HTTP calls by this name, nil if there is none.
func (d *Door) Method(name string) *Method { return d.byName[name] }

// UnderWay is how many calls are not answered yet.
func (d *Door) UnderWay() int { return len(d.places) }

// Caller is who calls.
type Caller struct {
	Authorization string        // the header of that name
	Client        string        // address without a port, as trusted proxies say
	Timeout       time.Duration // what it asks for; 0: DefaultTimeout
}

// Call carries out a call: is there a key, is it for this, has it calls left, is there a
// place; then read reads the request, and it is done. Errors are faults, or of ctx.
func (d *Door) Call(ctx context.Context, from Caller, m *Method, read func(req any) error) (res proto.Message, err error) {
	began := time.Now()
	line := entry{method: m.Name, client: from.Client}
	defer func() {
		if p := recover(); p != nil {
			res, err = nil, fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
		line.took = time.Since(began)
		line.reason = reasonOf(err)
		d.cfg.Called(m.Name, line.reason, line.took)
		d.audit(&line, res)
		if line.reason == fault.Internal.String() {
			d.cfg.Log.Error("a push call failed", "method", m.Name, "err", err)
			err = fault.New(fault.Internal, "").Because(err) // so nobody logs it twice
		}
	}()
	if err := d.admit(&line, from, m); err != nil {
		return nil, err
	}
	select {
	case d.places <- struct{}{}:
		defer func() { <-d.places }()
	default:
		return nil, errPlaces
	}
	return d.carryOut(ctx, &line, from, m, read)
}

var (
	errPlaces = fault.New(fault.Overloaded, "too many calls at the moment").After(time.Second)
	errAnswer = fault.New(fault.TooLarge, fmt.Sprintf("the answer would have more than %d bytes: ask for less at once", maxAnswer))
	errNewer  = fault.New(fault.Invalid, "params: a field that is not known here")
)

// Refuse refuses a call whose key is not for it, as Call does, before anything is read. nil:
// Call decides. It does not block.
func (d *Door) Refuse(from Caller, m *Method) error {
	line := entry{method: m.Name, client: from.Client}
	_, err := d.know(&line, from, m)
	if err != nil {
		line.reason = reasonOf(err)
		d.cfg.Called(m.Name, line.reason, 0)
		d.audit(&line, nil)
	}
	return err
}

// admit says whether a call may be made now.
func (d *Door) admit(line *entry, from Caller, m *Method) error {
	key, err := d.know(line, from, m)
	if err != nil {
		return err
	}
	return key.take(line)
}

// know returns the key of a call, which is for m.
func (d *Door) know(line *entry, from Caller, m *Method) (key, error) {
	scheme, text, _ := strings.Cut(from.Authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		text = ""
	}
	k, id, ok := d.keys.find(strings.TrimLeft(text, " "))
	line.key = id
	switch {
	case !ok:
		err := d.tries.count(from.Client)
		line.unsaid = fault.CodeOf(err) == fault.RateLimited
		return key{}, err
	case !k.Roles.May(m.Role):
		if err := k.take(line); err != nil { // else it could fill the log
			return key{}, err
		}
		return key{}, fault.New(fault.Forbidden, "this key is not for that: it needs the role "+pushkeys.RolesOf(m.Role).String())
	}
	return k, nil
}

// carryOut does what was asked.
func (d *Door) carryOut(ctx context.Context, line *entry, from Caller, m *Method, read func(req any) error) (proto.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, patience(from.Timeout))
	defer cancel()
	res, err := m.handle(d.service, ctx, func(into any) error {
		if err := read(into); err != nil {
			return err
		}
		req := into.(proto.Message).ProtoReflect()
		line.named = namedIn(req)
		if len(req.GetUnknown()) > 0 {
			return errNewer
		}
		return nil
	}, nil)
	if err != nil {
		return nil, err
	}
	answer := res.(proto.Message)
	if proto.Size(answer) > maxAnswer {
		return nil, errAnswer
	}
	return answer, nil
}

// patience is how long gateways are waited for.
func patience(timeout time.Duration) time.Duration {
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	timeout = min(timeout, MaxTimeout)
	return timeout - min(answerTime, timeout/10)
}
