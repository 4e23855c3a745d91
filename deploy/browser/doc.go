// Package browser looks at pages as people do: a real Chromium opens them, on a
// Parley of real processes, and people type, tap and tab while workers and gateways
// are killed. The Go part sets the stage and clears it. The plays on the examples'
// pages are talk.mjs (on swooleim's), broadcast.mjs and those in examples, which are short;
// those on the chat's page are in chat:
//
//	first.mjs     the first minutes of three people and a guest, in zh and en
//	keyboard.mjs  everything once, with a keyboard only
//	hostile.mjs   texts that are markup, files that are no pictures
//	size.mjs      the weight of the first load, a thousand conversations
//	faults.mjs    processes die while people talk
//	away.mjs      no network, sleep, wrong clocks, reloads, two tabs
//
// There, what is on a screen is compared with what is in the database, read past
// everything that serves people.
//
//	go test ./browser                             # in deploy
//	go test ./browser -run ThePage$/first          # one play
//	go test ./browser -artifacts -outputdir=DIR   # keeps the pictures in DIR, a folder
//
// Needed: Node 20, npm and Chromium (PARLEY_CHROMIUM names one that is not found
// by itself). The packages of package.json are fetched by the first test. What is
// missing skips the tests, and fails them when PARLEY_CI is set.
package browser
