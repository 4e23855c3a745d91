// Package web holds the page as it was built: `npm ci && npm run build` in this folder
// writes dist, which is not committed. A program that is compiled before has none.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Dist is what was built; without index.html nothing was.
func Dist() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // only of a name that is none
	}
	return sub
}
