// Package picture judges the bytes that somebody says are a picture, takes out of them
// what tells of its maker, and makes small ones.
//
//	p, err := picture.Read(b, picture.Limits{})
//	…
//	small, err := p.Thumbnail(320)
//
// What it is says its content alone: PNG, JPEG, GIF or WebP, whatever it is called. Of
// these a picture keeps what is needed to show it (colours, animation, which side is up)
// and loses the rest: where and with what it was taken, comments, pictures within it,
// and everything behind its end, where other files like to hide. Everything before that
// is read is hostile: what would take too much memory or time to show is refused, by
// what its headers say, before anything is decoded.
//
// The package reads and writes memory only. How many are decoded at once is for the
// caller to bound; [Picture.Cost] says what one takes.
package picture
