package proc

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// probe asks processes how they are. Each question has its own connection, so
// that nothing is left open to a process that ends.
var probe = &http.Client{
	Timeout:   2 * time.Second,
	Transport: &http.Transport{DisableKeepAlives: true, Proxy: nil},
}

// Ready waits until /readyz answers 200. It fails when the process ends before,
// with the last lines it wrote.
func (p *Process) Ready(ctx context.Context) error { return p.await(ctx, "ready", "/readyz") }

// Alive waits until /healthz answers 200, whatever the process itself waits for.
// It fails like Ready.
func (p *Process) Alive(ctx context.Context) error { return p.await(ctx, "alive", "/healthz") }

// await waits until a page of the ops listener answers 200: then it is what.
func (p *Process) await(ctx context.Context, what, page string) error {
	said := "nothing"
	err := poll(ctx, p.Name()+" to be "+what, func() (bool, error) {
		if e, ended := p.Exit(); ended {
			return false, fmt.Errorf("%s ended before it was %s (%v):\n%s", p.Name(), what, e, strings.Join(p.Tail(), "\n"))
		}
		ok, body := p.Ask(page)
		said = body
		return ok, nil
	})
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%w; it says: %s", err, said)
	}
	return err
}

// Ask fetches a page of the ops listener once.
func (p *Process) Ask(path string) (ok bool, body string) {
	ops := p.Spec().Ops
	if ops == "" {
		return p.Running(), ""
	}
	resp, err := probe.Get("http://" + ops + path)
	if err != nil {
		return false, err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	b, _ := io.ReadAll(io.LimitReader(resp.Body, 8<<20)) // a page that broke off is judged by what came
	return resp.StatusCode == http.StatusOK, strings.TrimSpace(string(b))
}
