// Package chattest holds stores to what package chat promises of them:
//
//	func TestMessages(t *testing.T) { chattest.Messages(t, open) }
//
// Each suite needs a database of its own, on which it opens several stores: what races
// inside of one process is not what races between two.
package chattest
