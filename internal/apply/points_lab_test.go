//go:build lab

package apply

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The whole pass is asked for by FAULT_MINUTES, which bounds it, and FAULT_STATE,
// a directory that remembers how far it came; the next one goes on from there.
// Without them a thinned-out pass is made.
var (
	faultMinutes, faultErr = strconv.Atoi(os.Getenv("FAULT_MINUTES"))
	faultState             = os.Getenv("FAULT_STATE")
	faultEnd               = time.Now().Add(time.Duration(faultMinutes) * time.Minute)
)

func whole() bool { return faultErr == nil }

// pass says which points of a test are tried.
type pass struct {
	some     []int // thinned out: these
	few, all int   // how many at most, thinned out and whole; 0: until there is no such point
	part, of int   // of the whole pass: every of-th from part on
}

// spread chooses few of the changes of a run: the first, the last, and what is
// evenly between, and then one of each kind that is not among them.
func spread(kinds []string, few int) []int {
	var chosen []int
	seen := map[string]bool{}
	take := func(n int) {
		chosen, seen[kinds[n-1]] = append(chosen, n), true
	}
	for i := range few {
		take(1 + i*(len(kinds)-1)/(few-1))
	}
	for _, kind := range slices.Compact(slices.Sorted(slices.Values(kinds))) {
		if seen[kind] {
			continue
		}
		var all []int
		for i, k := range kinds {
			if k == kind {
				all = append(all, i+1)
			}
		}
		take(all[len(all)/2])
	}
	slices.Sort(chosen)
	return slices.Compact(chosen)
}

// reached is how far the whole pass of a test has come.
type reached struct {
	Next  int  `json:"next"`
	Tried int  `json:"tried"`
	Done  bool `json:"done"`
}

// points tries one point after the other, 1, 2, ... until more says that there
// is no such point. It stops at the first that is broken, so that the next pass
// meets it again, and prints the figures.
func points(t *testing.T, p pass, try func(n int) (more bool)) {
	t.Helper()
	at, step, last := reached{Next: 1}, 1, p.few
	file := ""
	if whole() {
		step, last = max(p.of, 1), p.all
		at.Next += p.part
		if faultState != "" {
			file = filepath.Join(faultState, strings.ReplaceAll(t.Name(), "/", "-"))
			if text, err := os.ReadFile(file); err == nil {
				if err := json.Unmarshal(text, &at); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	state := "the end was reached"
	defer func() {
		broken := 0
		if t.Failed() {
			broken, state = 1, "stopped at point "+strconv.Itoa(at.Next)
		}
		t.Logf("figure: %s: %d points tried, %d broken, %s", t.Name(), at.Tried, broken, state)
	}()
	if !whole() && p.some != nil {
		for _, at.Next = range p.some {
			if try(at.Next); t.Failed() {
				return
			}
			at.Tried++
		}
		state = fmt.Sprintf("of changes %v", p.some)
		return
	}
	for !at.Done && !t.Failed() {
		if last > 0 && at.Next > last {
			at.Done = true
		} else if whole() && time.Now().After(faultEnd) {
			state = "out of time before point " + strconv.Itoa(at.Next)
			return
		} else if at.Done = !try(at.Next); t.Failed() {
			return
		} else if !at.Done {
			at.Next, at.Tried = at.Next+step, at.Tried+1
		}
		if file != "" {
			text, _ := json.Marshal(at)
			if err := os.WriteFile(file, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if at.Tried == 0 {
		t.Error("got no point tried, want each")
	}
}
