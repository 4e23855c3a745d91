package main

import (
	"testing"

	"github.com/parley-im/parley/worker/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }
