// Command parley-answer is the worker that the prover runs; see package answer.
package main

import (
	"github.com/parley-im/parley/deploy/verify/answer"
	"github.com/parley-im/parley/worker"
)

func main() { worker.Main(&answer.Handler{}) }
