package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/parley-im/parley/api/internal/files"
	"github.com/parley-im/parley/api/internal/params"
	"github.com/parley-im/parley/api/internal/picture"
	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/register/handshake"
)

const (
	uploadTime   = 2 * time.Minute  // for the bytes to come
	leavingTime  = 5 * time.Second  // likewise, and for everything else, once this process drains
	decodeTime   = 20 * time.Second // to stand in line before a picture is looked at
	thumbnailMax = 320              // pixels of the sides of small ones
)

// serveUpload takes a picture in: POST /v1/images/{conversation}?name=cat.png.
func (a *API) serveUpload(w http.ResponseWriter, r *http.Request) {
	body, err := a.upload(w, r)
	outcome := imageKept
	switch {
	case err == nil:
	case fault.CodeOf(err).Temporary(), fault.CodeOf(err) == fault.Internal:
		outcome = imageFailed
	default:
		outcome = imageRefused
	}
	a.metrics.images.WithLabelValues(outcome).Inc()
	if err != nil {
		a.refuse(w, hearOut(w, r, err), err)
		return
	}
	answer(w, http.StatusOK, body)
}

// What is still read, and forgotten, of a picture that is refused.
const (
	restBytes = 32 << 20
	restTime  = 5 * time.Second
)

// hearOut lets a browser say the rest of what is refused, to a bound: browsers read no
// answer before they have sent everything, and take a connection that is closed meanwhile
// for a broken one. Who waits to be told to go on need not say it. The bound of time stays:
// the server reads on before it answers. It returns the request to answer, whose context a
// body that was too slow does not end: its client listens.
func hearOut(w http.ResponseWriter, r *http.Request, err error) *http.Request {
	if errors.Is(err, errSlow) || r.Header.Get("Expect") != "" || r.Context().Err() != nil {
		return r
	}
	answered := r.WithContext(context.WithoutCancel(r.Context()))
	within(w, restTime)
	_, _ = io.CopyN(io.Discard, r.Body, restBytes) // whatever comes of it, the answer is the same
	return answered
}

// upload asks whether the user may send there before it takes a byte, so that nobody
// fills the disk who has no place to show it.
func (a *API) upload(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	token, err := bearer(r)
	if err != nil {
		return nil, err
	}
	most := a.cfg.Limits.MaxImageBytes
	if r.ContentLength > most {
		return nil, fault.New(fault.TooLarge, "a picture has at most "+bytesOf(most))
	}
	conversation := r.PathValue("conversation")
	after, err := a.mayUpload(r, token, conversation)
	if err != nil {
		return nil, err
	}
	from := networkOf(a.clientOf(r))
	if !a.uploads.Enter(from) {
		return nil, errUploads
	}
	defer a.uploads.Leave(from)
	came := &counted{r: http.MaxBytesReader(w, r.Body, most)}
	in, err := a.receive(w, came, most)
	a.budgets.spend(userOf(token), came.n) // whatever becomes of them
	if err != nil {
		return nil, err
	}
	defer in.Drop()
	p, small, err := a.judge(r.Context(), in)
	if err != nil {
		return nil, err
	}
	note := files.Note{Conversation: conversation, After: after}
	id, err := a.files.Keep(p.Body, small, note)
	if err != nil {
		return nil, a.diskFault(err)
	}
	img := &chatv1.Image{
		Type: p.Type, Width: int32(p.Width), Height: int32(p.Height), Bytes: int64(len(p.Body)),
		Name: fileName(r.URL.Query().Get("name")), File: string(id),
	}
	res, err := a.images.IssueTicket(a.outgoing(r, token), &chatv1.IssueTicketRequest{Conversation: conversation, Image: img})
	if err != nil {
		return nil, errors.Join(err, a.files.Remove(id, note))
	}
	a.metrics.kept.Add(float64(img.GetBytes()))
	return ticketBody(res.GetTicket(), img)
}

// mayUpload asks a worker, and the user's budget. It returns the number of the last
// message so far: the picture's comes later.
func (a *API) mayUpload(r *http.Request, token, conversation string) (after int64, err error) {
	if !enter(a.calls) {
		return 0, errCalls
	}
	defer func() { <-a.calls }()
	ask := &chatv1.IssueTicketRequest{Conversation: conversation, Image: &chatv1.Image{}}
	res, err := a.images.IssueTicket(a.outgoing(r, token), ask)
	if err != nil {
		return 0, err
	}
	if wait := a.budgets.take(userOf(token), r.ContentLength); wait > 0 {
		return 0, fault.New(fault.RateLimited, "too many pictures: wait a little").After(wait)
	}
	return res.GetSeq(), nil
}

// newUploads has places for pictures on their way in. Accounts cost nothing and a picture
// may come slowly, so those from one network have a quarter of the places.
func newUploads(l Limits) *handshake.Crowd {
	return handshake.NewCrowd(l.MaxUploads, max(1, l.MaxUploads/4))
}

// counted counts what is read.
type counted struct {
	r io.Reader
	n int64
}

// Read implements io.Reader.
func (c *counted) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

// receive takes the body to the disk, which ends with an error at the bound.
func (a *API) receive(w http.ResponseWriter, body io.Reader, most int64) (*files.Incoming, error) {
	within(w, uploadTime)
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Now().Add(uploadTime + writeTime + decodeTime))
	hurry := a.hurry(w)
	defer hurry()
	in, err := a.files.Receive(body)
	var full files.DiskError
	switch {
	case errors.As(err, &full):
		return nil, a.diskFault(err)
	case err != nil:
		return nil, bodyError(err, most)
	}
	hurry()
	within(w, 0)
	return in, nil
}

// hurry leaves a body little time once this process drains. Call what it returns before
// the answer: w is not touched afterwards.
func (a *API) hurry(w http.ResponseWriter) (end func()) {
	var mu sync.Mutex
	over := false
	stop := context.AfterFunc(a.draining, func() {
		mu.Lock()
		defer mu.Unlock()
		if !over {
			within(w, leavingTime)
		}
	})
	return func() {
		stop()
		mu.Lock()
		defer mu.Unlock()
		over = true
	}
}

// judge looks at a picture, with as many others as memory and processors allow.
func (a *API) judge(ctx context.Context, in *files.Incoming) (*picture.Picture, []byte, error) {
	waiting, cancel := context.WithTimeout(ctx, decodeTime)
	defer cancel()
	select {
	case a.decoding <- struct{}{}:
	case <-waiting.Done():
		return nil, nil, errUploads
	}
	defer func() { <-a.decoding }()
	began := time.Now()
	b, err := in.Read()
	if err != nil {
		return nil, nil, a.diskFault(err)
	}
	l := a.cfg.Limits
	p, err := picture.Read(b, picture.Limits{Pixels: l.MaxImagePixels, Cost: l.ImageMemory})
	if err != nil {
		return nil, nil, err
	}
	looked := time.Since(began)
	if err := a.memory.Acquire(waiting, p.Cost()); err != nil {
		return nil, nil, errUploads
	}
	defer a.memory.Release(p.Cost())
	began = time.Now()
	small, err := p.Thumbnail(thumbnailMax)
	a.metrics.decode.Observe((looked + time.Since(began)).Seconds())
	return p, small, err
}

// diskFault is what people hear when the folder does not take or give a picture.
func (a *API) diskFault(err error) error {
	a.log.Error("the folder of pictures fails", "err", err)
	return fault.New(fault.Unavailable, "pictures cannot be kept now").Because(err)
}

// ticketBody is the answer to an upload. Where the picture lies is nobody's business.
func ticketBody(ticket string, img *chatv1.Image) ([]byte, error) {
	img.File = ""
	shown, err := params.Encode(img)
	if err != nil {
		return nil, err
	}
	return json.Marshal(struct {
		Ticket string          `json:"ticket"`
		Image  json.RawMessage `json:"image"`
	}{ticket, shown})
}
