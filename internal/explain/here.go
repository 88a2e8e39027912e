package explain

import (
	"strings"

	"relayhost/internal/lazy"
	"relayhost/internal/postfix"
)

// Look is Inspect, and what is worth knowing of a line of the log only: whether
// something bypasses the relay. from is as for Inspect.
func Look(s postfix.State, from string) Signs {
	signs := Inspect(s, from)
	if len(signs) == 0 {
		return nil
	}
	sign := Sign{Cause: "override_elsewhere"}
	if found := s.Facts().Bypass(); len(found) > 0 && RouteOf(s).Host != "" { // else there is no relay to bypass
		sign.Holds, sign.Severity, sign.Detail = true, found[0].Severity, found[0].Detail
	}
	return append(signs, sign)
}

var loggedBy = lazy.MustCompile(`^(?:\S+ *\| *)?(?:<\d+>)?(?:[A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d+)?|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\S*) ([A-Za-z0-9][\w.-]*) \S+\[\d+\]: `)

// Of reports whether the text can be of the host with this name: it names no
// host, or this one.
func (c *Collector) Of(host string) bool {
	for _, line := range c.whole {
		if m := loggedBy.FindStringSubmatch(line); m != nil {
			name, _, _ := strings.Cut(m[1], ".")
			return strings.EqualFold(name, host)
		}
	}
	return true
}
