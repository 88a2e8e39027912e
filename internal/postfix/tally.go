package postfix

import (
	"hash/maphash"
	"slices"
)

// tally counts names without keeping them, so that a name that a large file does
// not hold is missed at once. Names that fall on the same counter are counted
// together: what it says is an upper bound, and none and one are exact.
type tally struct {
	counts []uint8 // a power of two of them; full stays full
	seed   maphash.Seed
}

const full = 255

// newTally makes room for about n names.
func newTally(n int) tally {
	size := 64
	for size < 4*n {
		size *= 2
	}
	return tally{make([]uint8, size), maphash.MakeSeed()}
}

func (t tally) at(name string) *uint8 {
	return &t.counts[maphash.String(t.seed, name)&uint64(len(t.counts)-1)]
}

func (t tally) add(name string) {
	if c := t.at(name); *c < full {
		*c++
	}
}

// take undoes one add.
func (t tally) take(name string) {
	if c := t.at(name); *c < full {
		*c--
	}
}

// none reports that name was not added; false may be a mistake.
func (t tally) none(name string) bool { return *t.at(name) == 0 }

// one reports that name, if it was added, was added once; false may be a mistake.
func (t tally) one(name string) bool { return *t.at(name) == 1 }

func (t tally) clone() tally { return tally{slices.Clone(t.counts), t.seed} }
