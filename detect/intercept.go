package detect

import (
	"slices"
	"strings"

	"relayhost/internal/smtpprobe"
)

// odd says what about the dialogue does not fit the operator, or "".
func (a attempt) odd() string {
	r := a.result
	switch {
	case r.Fault == smtpprobe.FaultNotSMTP:
		return "what answers is no mail server"
	case r.Masked:
		return "the greeting or the capabilities are masked"
	case r.Failed == smtpprobe.StepEHLO && r.Code >= 500:
		return "EHLO is not understood"
	case !a.known || r.Banner == "" || a.turnedAway():
		return ""
	}
	if o, ok := operatorOf(a.target); ok && !greetsAs(r.Banner, o.greeting) {
		return "the greeting is of another host: " + clean(r.Banner)
	}
	if _, ok := r.Extensions["STARTTLS"]; r.Reached == smtpprobe.StepEHLO && !ok {
		return "STARTTLS is missing"
	}
	return ""
}

// greetsAs looks at the first word of the greeting, the server's name (RFC
// 5321, section 4.2); Yahoo puts it later.
func greetsAs(banner string, domains []string) bool {
	for _, word := range strings.Fields(strings.ToLower(banner)) {
		if under(strings.Trim(word, "()[]<>,;:"), domains) {
			return true
		}
	}
	return false
}

func oddities(attempts []attempt) []string {
	var found []string
	for _, a := range attempts {
		if odd := a.odd(); odd != "" {
			found = append(found, a.target+": "+odd)
		}
	}
	return found
}

// intercepted demands the sign from two operators: one masked greeting may be
// the firewall of the destination itself.
func intercepted(attempts []attempt) (judgement, bool) {
	seen := map[string]string{}
	for _, a := range attempts {
		if odd := a.odd(); odd != "" {
			seen[a.operator] = a.target + ": " + odd
		}
	}
	if len(seen) < 2 {
		return judgement{}, false
	}
	names := make([]string, 0, len(seen))
	for _, text := range seen {
		names = append(names, text)
	}
	slices.Sort(names)
	return says(Intercepted, "something between answers for the mail servers: %s", strings.Join(names[:2], "; ")), true
}
