// Package files keeps pictures in a folder.
//
//	s, err := files.Open("parley-files")
//	in, err := s.Receive(r.Body)      // to disk, whatever its size
//	id, err := s.Keep(body, small)    // durable when it returns
//	f, err := s.Open(id, false)
//
// A file is whole or not there: it is written under another name, forced to the disk and
// then renamed. Names are made here, 128 random bits each, in two levels of folders
// (ab/cd/abcd…); what people call their files is never part of one. Several processes
// may share the folder. What processes that died left half-written goes when one starts.
//
// Nothing here counts or bounds what is kept: that is for the operator's disk and for
// those who call.
package files
