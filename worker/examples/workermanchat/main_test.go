package main

import (
	"testing"

	"github.com/parley-im/parley/worker/examples/clustertest"
)

func TestTheSiteServesThePageAndTheGateways(t *testing.T) { clustertest.SitePage(t, site) }
