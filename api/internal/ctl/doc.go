// Package ctl is what parleyctl does: it asks an api by PushService, draws what comes
// back as screens for people or as JSON for programs, and says what to do when something
// is in the way.
//
//	door, err := ctl.NewDoor("http://127.0.0.1:8080", key)
//	screen := ctl.Screen{Out: os.Stdout, Err: os.Stderr, Width: 120}
//	err = ctl.Members(ctx, door, screen)
//	os.Exit(ctl.ExitCode(err))
//
// It reads no flags, no environment and no files; the program does. It knows no rule of
// its own about users, groups and gateways: what may be done, and by whom, says the api.
package ctl
