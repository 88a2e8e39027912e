package verify

import "time"

// soon is how long before its day a deadline of a relay is warned of.
const soon = 90

// ends warns of what a relay of the route ends soon, or has ended: Microsoft 365
// switches password login off. Its relay's Notice says what helps.
func ends(route Route, day time.Time) (findings []Finding) {
	for _, h := range route.Hops {
		if h.Relay.Ends == nil || h.Socket != "" { // a bridge logs in without the password
			continue
		}
		if left, ok := h.Relay.Ends.DaysLeft(day); !ok || left > soon {
			continue
		}
		findings = append(findings, Finding{Check: "config", Result: Warn, Cause: "relay_ends",
			Detail: h.Relay.Name + ": " + h.Relay.Notice(day), Remedy: "Do what the note says before that day, or choose another relay: relayhost relays."})
	}
	return findings
}
