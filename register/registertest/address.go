package registertest

import "testing"

// Address returns an address of 127.0.0.1 that is this test's until it ends, whether
// or not anybody listens there right now: something that is stopped can come back to
// it. On other systems than Linux another program may take it in between.
func Address(t testing.TB) string {
	t.Helper()
	address, release, err := hold()
	if err != nil {
		t.Fatalf("hold a port: %v", err)
	}
	t.Cleanup(release)
	return address
}
