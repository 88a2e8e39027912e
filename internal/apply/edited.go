package apply

import (
	"github.com/pmezard/go-difflib/difflib"
)

// difference shows what somebody has made of the file of s. What could hold a
// secret is named only.
func difference(s step, now state) Difference { return differenceTo(s, now, "as it is now") }

// differenceTo calls now what it is said to be.
func differenceTo(s step, now state, called string) Difference {
	d := Difference{Path: s.Path}
	if s.Secret || s.Source != "" || s.After.data == nil || len(s.After.data)+len(now.data) > 1<<20 {
		return d
	}
	d.Diff, _ = difflib.GetUnifiedDiffString(difflib.UnifiedDiff{
		A: difflib.SplitLines(string(s.After.data)), FromFile: s.Path + " (as relayhost wrote it)",
		B: difflib.SplitLines(string(now.data)), ToFile: s.Path + " (" + called + ")",
		Context: 2,
	})
	return d
}
