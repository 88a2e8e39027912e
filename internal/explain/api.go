package explain

import (
	"strconv"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/lazy"
	"relayhost/relays"
)

// byAPI is what the bridge says of a refusal of an API: its own reply, the API, the
// status of HTTP, and the API's error code and text.
var byAPI = lazy.MustCompile(`\b[45]\d\d [45]\.\d+\.\d+ relayhost: (.{1,60}?): ([1-5]\d\d)(?: (.*))?$`)

// apiReply looks the refusal of an API up in the catalogue, whose words are the API's
// and not those of SMTP. ok is false where its relay has no reply of its own for it:
// the failures that all APIs share explain that.
func apiReply(reply string) (c Cause, ok bool) {
	m := byAPI.FindStringSubmatch(reply)
	if m == nil {
		return c, false
	}
	status, _ := strconv.Atoi(m[2]) // three digits
	for _, relay := range catalogue() {
		a, ok := conf.Get(relay.ID)
		if !ok || a.Name != m[1] {
			continue
		}
		if r, ok := relay.MatchAPIReply(status, m[3]); ok && !r.Inherited {
			return fromAPIReply(r, relay), true
		}
	}
	return c, false
}

// fromAPIReply makes a cause of a reply of an API.
func fromAPIReply(r relays.APIReply, relay relays.Relay) Cause {
	c := Cause{ID: r.ID, Title: r.Cause, Meaning: r.Cause, Remedy: r.Remedy, Phase: "delivery", Outcome: "deferred",
		Retry: r.Retry, Scope: r.Scope, rank: rankService, order: usualOrder, Source: relay.Sources[r.Source].URL}
	switch {
	case r.Scope == "recipient":
		c.Phase, c.Outcome = "content", "lost"
	case r.Reply == "451 4.7.8":
		c.Phase, c.Command = "auth", "relayhost setup --relay "+relay.ID+" --via https --credentials-file -"
	case r.Scope == "account":
		c.Phase = "sender"
	}
	return c
}
