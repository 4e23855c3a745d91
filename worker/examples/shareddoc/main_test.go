package main

import (
	"testing"

	"github.com/parley-im/parley/worker/examples/clustertest"
	"github.com/parley-im/parley/worker/internal/leaktest"
)

// TestMain is also the main of the workers that tests start as processes.
func TestMain(m *testing.M) {
	if clustertest.IsWorker() {
		main()
		return
	}
	leaktest.Main(m)
}

func TestTheSiteServesThePageAndTheGateways(t *testing.T) { clustertest.SitePage(t, site) }
