package main

import (
	"testing"

	"github.com/parley-im/parley/worker/examples/clustertest"
	"github.com/parley-im/parley/worker/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func TestTheSiteServesThePageAndTheGateways(t *testing.T) { clustertest.SitePage(t, site) }
