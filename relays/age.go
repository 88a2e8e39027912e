package relays

import (
	"regexp"
	"strings"
	"time"
)

// today is the day that facts are old by; the tests of generated pages set it.
var today = time.Now

// oldAfter is the age from which a fact is marked with its date.
const oldAfter = 365 * 24 * time.Hour

// dates finds days, months and years in a source's own date.
var dates = regexp.MustCompile(`[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?`)

// Dated is how new a source is: the newest date that it bears itself, to the
// end of that month or year, or the day on which it was read where it bears
// none. A transcript of 2020 that was read yesterday is of 2020.
func (s Source) Dated() time.Time {
	var newest time.Time
	for _, word := range dates.FindAllString(s.AsOf, -1) {
		for layout, next := range map[string][3]int{"2006-01-02": {0, 0, 1}, "2006-01": {0, 1, 0}, "2006": {1, 0, 0}} {
			if t, err := time.Parse(layout, word); err == nil {
				t = t.AddDate(next[0], next[1], next[2]).Add(-time.Second)
				if t.After(newest) {
					newest = t
				}
			}
		}
	}
	if newest.IsZero() || newest.After(s.Checked) {
		return s.Checked
	}
	return newest
}

// Old reports whether a source is older than a year on a day. A standard does
// not grow old.
func (s Source) Old(day time.Time) bool {
	return !strings.Contains(s.URL, "rfc-editor.org") && day.Sub(s.Dated()) > oldAfter
}

// Mark is what stands behind a fact that no source states for certain, or that
// is older than a year: " (recalled)", " (unsure)" or " (2022-11)", else "".
func (r Relay) Mark(source string) string {
	if mark := r.markOn(today(), source); mark != "" {
		return " (" + mark + ")"
	}
	return ""
}

func (r Relay) markOn(day time.Time, source string) string {
	s, ok := r.Sources[source]
	switch {
	case s.Confidence == "recalled", s.Confidence == "unsure":
		return s.Confidence
	case ok && s.Old(day):
		return s.Dated().Format("2006-01")
	}
	return ""
}

// lastRead is the newest day on which any source of a list was read. Pages are
// generated as of that day, so that they change with the catalogue alone.
func lastRead(list []Relay) time.Time {
	var newest time.Time
	for _, r := range list {
		for _, s := range r.Sources {
			if s.Checked.After(newest) {
				newest = s.Checked
			}
		}
	}
	return newest
}
