package diff

import (
	"slices"

	"github.com/pmezard/go-difflib/difflib"
)

// window is how far, in lines, two texts may be apart and still be found
// together again by looking ahead; settled is the number of equal lines that
// count as together.
const (
	window  = 100
	settled = 4
)

// compare returns the operations that make new of old. Of a main.cf of megabytes
// only a few lines change, so what is equal is walked through, and only the
// pieces in between are given to the library, whose cost grows with the square.
func compare(old, new []string) []difflib.OpCode {
	if len(old) == 0 && len(new) > 0 {
		return []difflib.OpCode{{Tag: 'i', J2: len(new)}}
	}
	var ops []difflib.OpCode
	i, j := 0, 0
	for i < len(old) || j < len(new) {
		equal := 0
		for i+equal < len(old) && j+equal < len(new) && old[i+equal] == new[j+equal] {
			equal++
		}
		if equal > 0 {
			ops = append(ops, difflib.OpCode{Tag: 'e', I1: i, I2: i + equal, J1: j, J2: j + equal})
			i, j = i+equal, j+equal
			continue
		}
		a, b := meet(old[i:], new[j:])
		for _, op := range difflib.NewMatcher(old[i:i+a], new[j:j+b]).GetOpCodes() {
			ops = append(ops, difflib.OpCode{Tag: op.Tag, I1: i + op.I1, I2: i + op.I2, J1: j + op.J1, J2: j + op.J2})
		}
		i, j = i+a, j+b
	}
	return ops
}

// meet returns how many lines of each text come before they run together again:
// all of them when that is not within the window.
func meet(old, new []string) (a, b int) {
	for apart := 1; apart < 2*window; apart++ {
		for a := max(0, apart-window); a <= min(apart, window); a++ {
			b := apart - a
			if together(old, new, a, b) {
				return a, b
			}
		}
	}
	return len(old), len(new)
}

func together(old, new []string, a, b int) bool {
	if a > len(old) || b > len(new) {
		return false
	}
	x, y := old[a:min(a+settled, len(old))], new[b:min(b+settled, len(new))]
	return slices.Equal(x, y)
}
