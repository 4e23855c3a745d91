package workers

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/proto/fault/grpcfault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// crew answers calls as a list of workers would, one after the other.
type crew struct {
	grpc.ClientConnInterface
	mu     sync.Mutex // guards tries
	tries  int
	answer func(ctx context.Context, try int, res any) error
}

func (c *crew) Invoke(ctx context.Context, _ string, _, res any, _ ...grpc.CallOption) error {
	c.mu.Lock()
	try := c.tries
	c.tries++
	c.mu.Unlock()
	return c.answer(ctx, try, res)
}

// died is what gRPC says when the connection of a call is lost.
var died = status.Error(codes.Unavailable, "error reading from server: EOF")

// silent never answers.
func silent(ctx context.Context) error {
	<-ctx.Done()
	return status.FromContextError(ctx.Err()).Err()
}

func send(t *testing.T, c *crew) (*chatv1.SendMessageResponse, error) {
	return chatv1.NewChatServiceClient(New(c)).SendMessage(t.Context(), &chatv1.SendMessageRequest{RequestId: "1"})
}

func TestLostWorkerIsMadeUpForByAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crew{answer: func(_ context.Context, try int, res any) error {
			if try < 2 {
				return died
			}
			res.(*chatv1.SendMessageResponse).Message = &chatv1.Message{Seq: 7}
			return nil
		}}
		began := time.Now()
		res, err := send(t, c)
		if err != nil || res.GetMessage().GetSeq() != 7 || c.tries != 3 {
			t.Errorf("got %v, %v after %d tries", res, err, c.tries)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestSilentWorkerIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crew{answer: func(ctx context.Context, try int, _ any) error {
			if try == 0 {
				return silent(ctx)
			}
			return nil
		}}
		began := time.Now()
		if _, err := send(t, c); err != nil || c.tries != 2 {
			t.Errorf("got %v after %d tries", err, c.tries)
		}
		if took := time.Since(began); took != patience {
			t.Errorf("it took %v, want %v", took, patience)
		}
	})
}

// TestSlowWorkerStillCounts has the first answer after another was asked, too.
func TestSlowWorkerStillCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crew{answer: func(ctx context.Context, try int, res any) error {
			if try > 0 {
				return silent(ctx)
			}
			time.Sleep(6 * time.Second)
			res.(*chatv1.SendMessageResponse).Message = &chatv1.Message{Seq: 7}
			return nil
		}}
		if res, err := send(t, c); err != nil || res.GetMessage().GetSeq() != 7 {
			t.Errorf("got %v, %v", res, err)
		}
	})
}

func TestCallHasOneEnd(t *testing.T) {
	for name, answer := range map[string]func(context.Context, int, any) error{
		"silent": func(ctx context.Context, _ int, _ any) error { return silent(ctx) },
		"dying":  func(context.Context, int, any) error { return died },
	} {
		synctest.Test(t, func(t *testing.T) {
			c := &crew{answer: answer}
			began := time.Now()
			_, err := send(t, c)
			if !fault.CodeOf(err).Temporary() {
				t.Errorf("%s: got %v", name, err)
			}
			if took := time.Since(began); took > CallTime || c.tries > maxTries {
				t.Errorf("%s: %d tries in %v", name, c.tries, took)
			}
		})
	}
}

func TestWhatMayNotBeDoneTwiceIsAskedOnce(t *testing.T) {
	c := &crew{answer: func(context.Context, int, any) error { return died }}
	chat := chatv1.NewChatServiceClient(New(c))
	if _, err := chat.SignIn(t.Context(), &chatv1.SignInRequest{}); !errors.Is(err, fault.Unavailable) || c.tries != 1 {
		t.Errorf("sign in: %v after %d tries", err, c.tries)
	}
	c.tries = 0
	if _, err := chat.SetTyping(t.Context(), &chatv1.SetTypingRequest{}); err == nil || c.tries != 1 {
		t.Errorf("typing: %v after %d tries", err, c.tries)
	}
}

func TestTicketsAndPicturesAreAskedForAgain(t *testing.T) {
	c := &crew{answer: func(_ context.Context, try int, _ any) error {
		if try%2 == 0 {
			return died
		}
		return nil
	}}
	images := chatv1.NewImageServiceClient(New(c))
	_, err := images.IssueTicket(t.Context(), &chatv1.IssueTicketRequest{})
	_, err2 := images.FindImage(t.Context(), &chatv1.FindImageRequest{})
	if err := errors.Join(err, err2); err != nil {
		t.Error(err)
	}
}

func TestWorkersWhoSaySoAreBelieved(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		want  fault.Code
		tries int
	}{
		"refused":                     {fault.New(fault.Forbidden, ""), fault.Forbidden, 1},
		"too fast":                    {fault.New(fault.RateLimited, "").After(time.Second), fault.RateLimited, 1},
		"a mistake":                   {errors.New("nil map"), fault.Internal, 1},
		"its database is away: ask 2": {fault.New(fault.Unavailable, "the database is away"), fault.Unavailable, 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			crew := &crew{answer: func(context.Context, int, any) error { return grpcfault.ToError(c.err) }}
			_, err := send(t, crew)
			if !errors.Is(err, c.want) || crew.tries != c.tries {
				t.Errorf("%s: got %v after %d tries", name, err, crew.tries)
			}
			if fault.Of(err).Message() != fault.Of(c.err).Message() || fault.Of(err).RetryAfter() != fault.Of(c.err).RetryAfter() {
				t.Errorf("%s: got %q", name, fault.Of(err).Message())
			}
		})
	}
}

func TestWhoGoesAwayIsNotWorkedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		c := &crew{answer: func(ctx context.Context, _ int, _ any) error { return silent(ctx) }}
		began := time.Now()
		if _, err := chatv1.NewChatServiceClient(New(c)).GetUsers(ctx, &chatv1.GetUsersRequest{}); err == nil {
			t.Error("no error")
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("it took %v", took)
		}
	})
}
