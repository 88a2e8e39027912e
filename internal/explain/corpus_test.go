package explain

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"relayhost/relays"
)

// sample is a text that somebody posted in public, with the judgement of the
// right answer.
type sample struct {
	ID         string   `json:"id"`
	Class      string   `json:"class"`
	Form       string   `json:"form"`
	Relay      string   `json:"relay"`
	Source     string   `json:"source"`
	Text       string   `json:"text"`
	RightCause string   `json:"right_cause"`
	WantCause  string   `json:"want_cause"` // ids separated by |; none: want_words must match; empty: no cause
	WantWords  string   `json:"want_words"`
	WantAll    []string `json:"want_all"`
	WantNot    []string `json:"want_not"`
}

func readSamples(t *testing.T, path string) (samples []sample) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in := bufio.NewScanner(f)
	in.Buffer(nil, 4<<20)
	for in.Scan() {
		var s sample
		if err := json.Unmarshal(in.Bytes(), &s); err != nil {
			t.Fatalf("%s: got %v, want a sample as JSON in every line", path, err)
		}
		samples = append(samples, s)
	}
	if in.Err() != nil {
		t.Fatalf("%s: got the error %v, want none", path, in.Err())
	}
	return samples
}

// The verdicts on an answer.
const (
	right      = "right"
	partly     = "partly" // the right cause is there, but not the first
	misleading = "misleading"
	unheard    = "unknown"
)

func judge(t *testing.T, s sample) (verdict, got string) {
	t.Helper()
	var c Collector
	if s.Relay != "" {
		r, err := relays.Get(s.Relay)
		if err != nil {
			t.Fatalf("%s: relay %q: got %v, want no error", s.ID, s.Relay, err)
		}
		c.Relay = &r
	}
	if err := c.Read(t.Context(), strings.NewReader(s.Text)); err != nil {
		t.Fatal(err)
	}
	var causes []Cause
	for _, g := range c.Groups() {
		if g.Cause.ID != "" {
			causes = append(append(append(causes, g.Cause), g.Others...), g.Follows...)
		}
	}
	got = ids(causes)
	fits := func(c Cause) bool {
		for _, want := range strings.Split(s.WantCause, "|") {
			if want == c.ID {
				return true
			}
			if want == "none" && regexp.MustCompile("(?i)"+s.WantWords).MatchString(c.Title+" "+c.Meaning+" "+c.Remedy+" "+c.Command) {
				return true
			}
		}
		return false
	}
	for _, id := range s.WantAll {
		if !contains(causes, id) {
			return partly, got + " lacks " + id
		}
	}
	for _, id := range s.WantNot {
		if contains(causes, id) {
			return misleading, got + " has " + id
		}
	}
	switch {
	case len(causes) == 0 && slices.Contains(strings.Split(s.WantCause, "|"), "empty"):
		return right, got
	case len(causes) == 0:
		return unheard, got
	case fits(causes[0]):
		return right, got
	case slices.ContainsFunc(causes, fits):
		return partly, got
	}
	return misleading, got
}

// kind is what bound holds for a text.
func kind(s sample) string {
	switch {
	case strings.HasPrefix(s.Form, "log-"):
		return "logs"
	case s.Form == "postfix" || s.Form == "reply":
		return "postfix"
	}
	return "others"
}

// TestCorpus: the first cause is right for texts that people have posted.
func TestCorpus(t *testing.T) {
	for _, name := range []string{"corpus", "corpus-own"} {
		t.Run(name, func(t *testing.T) {
			path := "testdata/" + name + ".jsonl"
			if _, err := os.Stat(path); name == "corpus-own" && err != nil {
				t.Fatal(err)
			}
			count, byClass := map[string]map[string]int{}, map[string]map[string]int{}
			for _, s := range readSamples(t, path) {
				verdict, got := judge(t, s)
				for _, at := range []struct {
					m map[string]map[string]int
					k string
				}{{count, kind(s)}, {byClass, s.Class}} {
					if at.m[at.k] == nil {
						at.m[at.k] = map[string]int{}
					}
					at.m[at.k][verdict]++
					at.m[at.k]["all"]++
				}
				if verdict == misleading {
					t.Errorf("%s: misleading: got %s, want %s (%s)", s.ID, got, s.WantCause, s.RightCause)
				} else if verdict != right {
					t.Logf("%s: %s: got %q, want %s, words %s (%s)", s.ID, verdict, got, s.WantCause, s.WantWords, s.RightCause)
				}
			}
			var table strings.Builder
			for _, m := range []map[string]map[string]int{byClass, count} {
				for _, class := range slices.Sorted(maps.Keys(m)) {
					c := m[class]
					fmt.Fprintf(&table, "%-16s %3d right of %3d, %2d partly, %2d misleading, %2d unknown\n", class, c[right], c["all"], c[partly], c[misleading], c[unheard])
				}
			}
			t.Logf("\n%s", table.String())
			for class, least := range map[string]float64{"postfix": 0.95, "others": 0.85, "logs": 1} {
				if c := count[class]; float64(c[right]) < least*float64(c["all"]) {
					t.Errorf("%s: %d right of %d, want %.0f %%", class, c[right], c["all"], least*100)
				}
			}
		})
	}
}
