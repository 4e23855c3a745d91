package browser

import (
	"encoding/json"
	"net/http"
	"net/url"
	"sync"
	"testing"

	"github.com/parley-im/parley/deploy/local/proxy"
)

// network is a way to the cluster that can be cut without anybody being told: its TCP
// connections stay, and nothing passes. What was said meanwhile passes when it is mended,
// as it does when a phone comes out of the lift.
type network struct {
	Page     string   `json:"page"`
	Gateways []string `json:"gateways"`

	page     *proxy.Proxy
	gateways []*proxy.Proxy
}

func (n *network) all(do func(*proxy.Proxy)) {
	if n.page != nil {
		do(n.page)
	}
	for _, g := range n.gateways {
		do(g)
	}
}

// networks lets a script make networks by any name and cut them: POST /network/NAME
// answers where its page and its gateways are, POST /cut/NAME and /mend/NAME.
// POST /cut/NAME?but=page leaves the page and the api.
func networks(t *testing.T, mux *http.ServeMux, s *stage) {
	var mu sync.Mutex
	made := map[string]*network{}
	t.Cleanup(func() {
		for _, n := range made {
			n.all((*proxy.Proxy).Close)
		}
	})
	mux.HandleFunc("POST /network/{name}", func(w http.ResponseWriter, r *http.Request) {
		n, err := newNetwork(s)
		if err != nil {
			n.all((*proxy.Proxy).Close)
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		mu.Lock()
		made[r.PathValue("name")] = n
		mu.Unlock()
		_ = json.NewEncoder(w).Encode(n)
	})
	for verb, do := range map[string]func(*proxy.Proxy){"cut": (*proxy.Proxy).Freeze, "mend": (*proxy.Proxy).Thaw} {
		mux.HandleFunc("POST /"+verb+"/{name}", func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			n := made[r.PathValue("name")]
			mu.Unlock()
			switch {
			case n == nil:
				http.Error(w, "no such network", http.StatusNotFound)
			case r.FormValue("but") == "page":
				for _, g := range n.gateways {
					do(g)
				}
			default:
				n.all(do)
			}
		})
	}
}

// newNetwork returns what was made also when it fails.
func newNetwork(s *stage) (*network, error) {
	n := &network{}
	page, err := url.Parse(s.Page)
	if err != nil {
		return n, err
	}
	if n.page, err = proxy.Open("127.0.0.1:0", page.Host); err != nil {
		return n, err
	}
	n.Page = "http://" + n.page.Addr() + "/"
	for _, addr := range s.Gateways {
		g, err := proxy.Open("127.0.0.1:0", addr)
		if err != nil {
			return n, err
		}
		n.gateways = append(n.gateways, g)
		n.Gateways = append(n.Gateways, g.Addr())
	}
	return n, nil
}
