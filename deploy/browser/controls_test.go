package browser

import (
	"context"
	"net/http"

	"github.com/parley-im/parley/deploy/local"
	"github.com/parley-im/parley/deploy/local/proc"
)

// controls lets a script kill, start, freeze and thaw processes by their names: the
// answer comes when it is done.
func controls(mux *http.ServeMux, c *local.Cluster) {
	on := func(verb string, do func(context.Context, *proc.Process) error) {
		mux.HandleFunc("POST /"+verb+"/{name}", func(w http.ResponseWriter, r *http.Request) {
			p := c.Fleet.Get(r.PathValue("name"))
			if p == nil {
				http.Error(w, "no such process", http.StatusNotFound)
				return
			}
			ctx, cancel := context.WithTimeout(r.Context(), startTime)
			defer cancel()
			if err := do(ctx, p); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		})
	}
	on("kill", func(_ context.Context, p *proc.Process) error { return p.Kill() })
	on("start", func(ctx context.Context, p *proc.Process) error {
		if err := p.Start(); err != nil {
			return err
		}
		return p.Ready(ctx)
	})
	on("freeze", func(ctx context.Context, p *proc.Process) error { return p.Freeze(ctx) })
	on("thaw", func(_ context.Context, p *proc.Process) error { return p.Thaw() })
}
