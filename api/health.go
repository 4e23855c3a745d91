package api

import (
	"errors"
	"fmt"
	"net/http"
)

// Ready reports whether there is somebody to ask.
func (a *API) Ready() error {
	if a.draining.Err() != nil {
		return errors.New("draining")
	}
	select {
	case <-a.serving.Ready():
	default:
		return errors.New("no register has answered")
	}
	if a.reachable() == 0 {
		return errors.New("no worker is known that can be called")
	}
	if a.push != nil && !a.push.worker.Stats().Known {
		return errors.New("push: no register has told which gateways there are")
	}
	return nil
}

// serveHealth is for balancers: this process is there.
func (a *API) serveHealth(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "alive") }

// serveReady is for balancers: this process is of use.
func (a *API) serveReady(w http.ResponseWriter, _ *http.Request) {
	if err := a.Ready(); err != nil {
		plain(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	plain(w, http.StatusOK, "ready")
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	fmt.Fprintln(w, text)
}
