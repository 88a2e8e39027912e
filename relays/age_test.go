package relays

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func day(t *testing.T, s string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDated(t *testing.T) {
	for _, tt := range []struct{ asOf, want string }{
		{"", "2026-11-28"},
		{"2022-11-16", "2022-11-16"},
		{"2020-11-15 to 2022-11-16", "2022-11-16"},
		{"2025 or later", "2025-12-31"},
		{"2026-08", "2026-08-31"},
		{"2026", "2026-11-28"}, // not later than the day on which it was read
		{"undated copy", "2026-11-28"},
		{"2022-99-99", "2026-11-28"},
	} {
		t.Run("as of "+tt.asOf, func(t *testing.T) {
			s := Source{AsOf: tt.asOf, Checked: day(t, "2026-11-28")}
			if got := s.Dated().Format(time.DateOnly); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestOldFactsAreMarked(t *testing.T) {
	r := Relay{Sources: map[string]Source{
		"old":      {AsOf: "2025-11-01", Checked: day(t, "2026-11-28"), Confidence: "official"},
		"new":      {AsOf: "2025-12-01", Checked: day(t, "2026-11-28"), Confidence: "official"},
		"recalled": {Checked: day(t, "2020-11-28"), Confidence: "recalled"},
	}}
	today = func() time.Time { return day(t, "2026-11-28") }
	t.Cleanup(func() { today = time.Now })
	for source, want := range map[string]string{"old": " (2025-11)", "new": "", "recalled": " (recalled)", "": ""} {
		t.Run(fmt.Sprintf("%q", source), func(t *testing.T) {
			if got := r.Mark(source); got != want {
				t.Errorf("%s: %q, want %q", source, got, want)
			}
		})
	}
	// A year on, what was new is old.
	today = func() time.Time { return day(t, "2027-11-28") }
	if got := r.Mark("new"); got != " (2025-12)" {
		t.Errorf("a year later: got %q, want %q", got, " (2025-12)")
	}
}

// oldFact is a fact and how old it is.
type oldFact struct {
	Relay string
	Fact
	Dated time.Time
}

// oldestFacts lists at most n facts of a catalogue that have a source, the oldest
// first: what to re-check next (docs/adding-a-relay.md).
func oldestFacts(list []Relay, n int) []oldFact {
	var all []oldFact
	for _, r := range list {
		if inherited(r.Replies) {
			r.Replies = nil
		}
		for _, f := range r.Facts() {
			if s, ok := r.Sources[f.Source]; ok {
				all = append(all, oldFact{r.ID, f, s.Dated()})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b oldFact) int { return cmp.Or(a.Dated.Compare(b.Dated), cmp.Compare(a.Relay, b.Relay)) })
	return all[:min(n, len(all))]
}

// TestOldestFacts lists what to re-check next.
func TestOldestFacts(t *testing.T) {
	oldest := oldestFacts(catalog(t), 20)
	if len(oldest) != 20 {
		t.Fatalf("%d facts, want 20", len(oldest))
	}
	for i, f := range oldest {
		if i > 0 && f.Dated.Before(oldest[i-1].Dated) {
			t.Errorf("fact %d, the oldest first: got date %s, want %s or later", i, f.Dated, oldest[i-1].Dated)
		}
		t.Logf("%s  %s %s: %s", f.Dated.Format(time.DateOnly), f.Relay, f.Key, clip(f.Value, 60))
	}
}

func TestNotice(t *testing.T) {
	m365, err := Get("m365")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ day, want string }{
		{"2026-11-28", "33 days left (2026-12-31): password login"},
		{"2026-12-30", "1 day left (2026-12-31): "},
		{"2026-12-31", "today: "},
		{"2027-01-01", "since 2026-12-31: "},
	} {
		t.Run(tt.day, func(t *testing.T) {
			got := m365.Notice(day(t, tt.day))
			if !strings.HasPrefix(got, tt.want) || !strings.Contains(got, "to switch it on again: Set-TransportConfig") || !strings.Contains(got, "instead: --relay acs") {
				t.Errorf("got %q, want it to begin with %q", got, tt.want)
			}
		})
	}
	if got := (Relay{}).Notice(day(t, "2026-11-28")); got != "" {
		t.Errorf("nothing ends, but: got %q, want none", got)
	}
	// The local date counts, whatever the zone.
	late := time.Date(2026, 12, 31, 0, 30, 0, 0, time.FixedZone("", 14*3600))
	if left, ok := m365.Ends.DaysLeft(late); left != 0 || !ok {
		t.Errorf("%d days left, %v, want 0", left, ok)
	}
}

func TestChoose(t *testing.T) {
	all := catalog(t)
	ids := func(list []Relay) string {
		var ids []string
		for _, r := range list {
			ids = append(ids, r.ID)
		}
		return " " + strings.Join(ids, " ") + " "
	}
	for _, tt := range []struct {
		name      string
		f         Filter
		with, not string
	}{
		{"free", Filter{Free: true}, "brevo", "ses"},
		{"no domain", Filter{NoDomain: true}, "gmail", "resend"},
		{"one address", Filter{NoDomain: true}, "sendgrid", "migadu"},
		{"mailbox", Filter{Mailbox: true}, "fastmail", "ses"},
		{"https", Filter{HTTPS: true}, "cloudflare", "ahasend"},
		{"ports", Filter{Closed: []int{25, 465, 587}}, "smtp2go", "cloudflare"},
		{"ports or https", Filter{Closed: []int{25, 465, 587, 2525}, HTTPS: true}, "cloudflare", "gmx"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Choose(all, tt.f)
			if !strings.Contains(ids(got), " "+tt.with+" ") || strings.Contains(ids(got), " "+tt.not+" ") {
				t.Errorf("%s, want %s and not %s", ids(got), tt.with, tt.not)
			}
			for _, r := range got {
				for _, port := range r.PortOrder() {
					for _, closed := range tt.f.Closed {
						if port == closed {
							t.Errorf("%s: port %d is closed, want anything but %d", r.ID, port, closed)
						}
					}
				}
			}
		})
	}
	if first := catalog(t)[0]; len(first.PortOrder()) < 4 {
		t.Errorf("%s after the filters: got ports %v, want 4 or more, as before them", first.ID, first.PortOrder())
	}
}

// Every relay that no password opens says so.
func TestTakesPassword(t *testing.T) {
	for _, r := range catalog(t) {
		if got := r.TakesPassword(); got != (r.ID != "outlook") {
			t.Errorf("%s: got %v, want %v", r.ID, got, (r.ID != "outlook"))
		}
		if !r.TakesPassword() && !strings.Contains(strings.Join(strings.Fields(Text(r)), " "), "no password is taken: its login is by OAuth alone") {
			t.Errorf("%s: got\n%s\nwant %q in it, over any line breaks", r.ID, Text(r), "no password is taken: its login is by OAuth alone")
		}
	}
}
