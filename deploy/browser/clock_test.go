//go:build parley_clock

package browser

import "testing"

// What has a clock in it gets the machine for itself: beside other tests it would say how
// busy they are.
func TestClockThousandConversationsAreThereWithinASecond(t *testing.T) {
	newChatStage(t).play(t, "chat/size.mjs")
}
