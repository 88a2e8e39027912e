package relays

import (
	"fmt"
	"strings"
	"time"

	"relayhost/internal/plural"
)

// DaysLeft is the number of days from day to a deadline, 0 on the day itself
// and negative after it; false where it has no date.
func (d Deadline) DaysLeft(day time.Time) (int, bool) {
	if d.Date.IsZero() {
		return 0, false
	}
	y, m, dd := day.Date()
	from := time.Date(y, m, dd, 0, 0, 0, 0, time.UTC)
	y, m, dd = d.Date.Date()
	return int(time.Date(y, m, dd, 0, 0, 0, 0, time.UTC).Sub(from).Hours() / 24), true
}

// Notice says what ends, when, how many days are left on day, how to switch it
// on again and what to use instead: one sentence for setup, verify and status.
// It is "" where nothing ends.
func (r Relay) Notice(day time.Time) string {
	d := r.Ends
	if d == nil {
		return ""
	}
	var b strings.Builder
	switch left, ok := d.DaysLeft(day); {
	case ok && left > 0:
		fmt.Fprintf(&b, "%s left (%s): ", plural.Of(left, "day"), d.Date.Format(time.DateOnly))
	case ok && left == 0:
		b.WriteString("today: ")
	case ok:
		fmt.Fprintf(&b, "since %s: ", d.Date.Format(time.DateOnly))
	}
	b.WriteString(d.Text)
	if len(d.Again) > 0 {
		b.WriteString("; to switch it on again: " + strings.Join(d.Again, "; "))
	}
	if d.Instead != "" {
		b.WriteString("; instead: " + d.Instead)
	}
	return b.String()
}
