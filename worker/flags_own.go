package worker

import (
	"flag"
	"slices"
)

// isOwn reports whether a flag is one of the Handler's.
func (s *settings) isOwn(name string) bool {
	return slices.ContainsFunc(s.own, func(f *flag.Flag) bool { return f.Name == name })
}

// unheard stands for the flags of a Handler when all is read again: whatever they are
// given, the Handler, which runs meanwhile, does not hear of it.
type unheard []*flag.Flag

// Flags adds flags of the same names.
func (u unheard) Flags(fs *flag.FlagSet) {
	for _, f := range u {
		if b, ok := f.Value.(interface{ IsBoolFlag() bool }); ok && b.IsBoolFlag() {
			fs.Bool(f.Name, false, f.Usage)
			continue
		}
		fs.String(f.Name, f.DefValue, f.Usage)
	}
}
