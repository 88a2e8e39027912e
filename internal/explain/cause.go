// Package explain turns a reply or log line into cause and remedy. What it
// knows is data: failures/*.toml and the replies in the relay catalogue. The
// text decides before the code does: a 421 can be for ever, a 250 a loss.
//
// A text often has more than one possible cause; which one holds is decided by
// static checks of this host (Inspect), never by the text alone. Postfix's own
// words and those of the other side are kept apart, so that a server cannot
// make itself look like a fault of this host.
package explain

import "relayhost/relays"

// Cause is one explanation.
type Cause struct {
	ID      string `json:"id"`    // stable word: the id of failures/*.toml or of a relay's reply
	Title   string `json:"title"` // one line
	Meaning string `json:"meaning"`
	Remedy  string `json:"remedy"`
	Command string `json:"command,omitempty"`
	Phase   string `json:"phase"`   // connect | dns | tls | auth | map | sender | content | delivery | config | host | secrets
	Outcome string `json:"outcome"` // what became of the mail: deferred | lost | stuck | works | varies
	Retry   string `json:"retry"`   // fix | wait | slow
	Scope   string `json:"scope"`   // account | recipient | rate | service | host
	Lost    bool   `json:"lost"`    // the mail is gone, not delayed
	Source  string `json:"source,omitempty"`
	// Confirmed is set when a check of this host has found the cause to hold.
	Confirmed bool `json:"confirmed,omitempty"`

	generic bool // gives way to every cause that says more
}

// fromReply makes a cause of a reply in the catalogue of relay services.
func fromReply(r relays.Reply, relay relays.Relay) Cause {
	c := Cause{ID: r.ID, Title: r.Cause, Meaning: r.Cause, Remedy: r.Remedy, Phase: phases[r.At], Outcome: "deferred",
		Retry: r.Retry, Scope: r.Scope, generic: r.Inherited}
	if s, ok := relay.Sources[r.Source]; ok {
		c.Source = s.URL
	}
	return c
}

// phases translates where a reply comes in the dialogue.
var phases = map[string]string{"greeting": "connect", "ehlo": "connect", "auth": "auth", "mail": "sender", "rcpt": "delivery",
	"data": "content", "after": "delivery", "": "delivery"}
