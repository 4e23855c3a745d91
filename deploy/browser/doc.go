// Package browser looks at the examples' pages as people do: a real Chromium
// opens them, on a Parley of real processes, and people type, tap and tab while
// workers and gateways are killed. talk.mjs and broadcast.mjs are the plays, the
// Go part sets the stage and clears it.
//
//	go test ./browser                             # in deploy
//	go test ./browser -artifacts -outputdir=DIR   # keeps the pictures in DIR, a folder
//
// Needed: Node 20, npm and Chromium (PARLEY_CHROMIUM names one that is not found
// by itself). The packages of package.json are fetched by the first test. What is
// missing skips the tests, and fails them when PARLEY_CI is set.
package browser
