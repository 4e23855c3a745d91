package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// pages asks for profiles, which take as long as they measure.
var pages = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// profile writes CPU and allocation profiles of both processes, which cover the
// next d, into o.Profile. It returns when they are written.
func (o *options) profile(ctx context.Context, r *rig, scenario string, d time.Duration) error {
	if err := os.MkdirAll(o.Profile, 0o750); err != nil {
		return err
	}
	var errs [4]error
	var all sync.WaitGroup
	for i, p := range []struct{ who, at string }{{"gateway", r.gateway.Spec().Ops}, {"worker", r.pprof}} {
		for j, kind := range []struct{ name, page string }{{"cpu", "profile"}, {"allocs", "allocs"}} {
			url := fmt.Sprintf("http://%s/debug/pprof/%s?seconds=%d", p.at, kind.page, max(1, int(d.Round(time.Second)/time.Second)))
			file := filepath.Join(o.Profile, fmt.Sprintf("%s-%s-%s.pprof", scenario, p.who, kind.name))
			all.Go(func() { errs[2*i+j] = fetch(ctx, url, file) })
		}
	}
	all.Wait()
	return errors.Join(errs[:]...)
}

// inside writes what is in the gateway's memory, and what its goroutines do.
func (o *options) inside(ctx context.Context, r *rig) error {
	if err := os.MkdirAll(o.Profile, 0o750); err != nil {
		return err
	}
	at := "http://" + r.gateway.Spec().Ops + "/debug/pprof/"
	return errors.Join(
		fetch(ctx, at+"heap", filepath.Join(o.Profile, "idle-gateway-heap.pprof")),
		fetch(ctx, at+"goroutine", filepath.Join(o.Profile, "idle-gateway-goroutine.pprof")),
	)
}

// fetch writes a page into a file, or nowhere when that is empty.
func fetch(ctx context.Context, url, file string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := pages.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	if file == "" {
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
	f, err := os.Create(file) // #nosec G304 -- in the folder that the person named
	if err != nil {
		return err
	}
	_, err = io.Copy(f, resp.Body)
	return errors.Join(err, f.Close())
}

// collect makes the gateway collect its garbage.
func (r *rig) collect(ctx context.Context) error {
	return fetch(ctx, "http://"+r.gateway.Spec().Ops+"/debug/pprof/heap?gc=1", "")
}
