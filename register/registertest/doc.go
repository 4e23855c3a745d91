// Package registertest gives tests a real register on 127.0.0.1 and the ways in
// which registers fail: killed, restarted empty at the same address, drained, or cut
// off so that nothing passes although connections stay open.
//
//	r := registertest.Start(t, server.Config{})
//	client, err := register.New(register.Config{Registers: []string{r.Addr()}, …})
//	…
//	r.Restart(t) // forgets everybody
//
// Everything it starts has ended when the test has.
package registertest
