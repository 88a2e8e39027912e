// Package explain turns a reply or log line into cause and remedy. What it
// knows is data: failures/*.toml, voices.toml and the replies in the relay
// catalogue. The text decides before the code does: a 421 can be for ever, a 250
// a loss.
//
// Text and Reply find the possible causes of a text, a Collector those of a
// whole log (collect.go). A text often has more than one; which one holds is decided by
// static checks of this host (Inspect, Decide), never by the text alone. Postfix's own
// words and those of the other side are kept apart, so that a server cannot
// make itself look like a fault of this host.
package explain

import (
	"path/filepath"
	"strings"

	"relayhost/internal/lazy"
	"relayhost/internal/postfix"
	"relayhost/relays"
)

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
	// Refuted is set when a check of this host has found that it does not hold, now,
	// and nothing else explains the text.
	Refuted bool `json:"refuted,omitempty"`

	rank, order                   int // the smaller goes first
	consequence, notice, hostOnly bool
	names                         map[string]string // what the line says of names in the words above
}

// fromReply makes a cause of a reply in the catalogue of relay services.
func fromReply(r relays.Reply, relay relays.Relay) Cause {
	c := Cause{ID: r.ID, Title: r.Cause, Meaning: r.Cause, Remedy: r.Remedy, Phase: phases[r.At], Outcome: "deferred",
		Retry: r.Retry, Scope: r.Scope, rank: rankService, order: usualOrder}
	if r.Inherited {
		c.rank = rankGeneric
	}
	switch {
	case r.Retry == "fix" && r.At == "auth":
		c.Command = "relayhost setup --relay " + relay.ID + " --credentials-file -"
	case r.Retry == "fix" && r.Scope == "account" && (r.At == "mail" || r.At == "data"):
		c.Command = "relayhost setup --relay " + relay.ID + " --from ADDRESS"
	}
	if s, ok := relay.Sources[r.Source]; ok {
		c.Source = s.URL
	}
	return c
}

// addCommand gives a cause without a command of its own one that shows where the
// mail is, or what else is wrong.
func (c *Cause) addCommand() {
	switch {
	case c.Command != "" || c.ID == "":
	case c.Retry != "fix":
		c.Command = "postqueue -p"
	case c.Scope == "recipient":
		c.Command = "postqueue -p"
	case c.Scope == "host" && c.Phase == "config":
		c.Command = "postfix check"
	default:
		c.Command = "relayhost verify"
	}
}

// phases translates where a reply comes in the dialogue.
var phases = map[string]string{"greeting": "connect", "ehlo": "connect", "auth": "auth", "mail": "sender", "rcpt": "delivery",
	"data": "content", "after": "delivery", "": "delivery"}

var (
	blank = lazy.MustCompile(`\{(\w+)\|([^{}]*)\}`)
	// plainName is what a name from a log may consist of where it goes into a
	// sentence or a command: nothing that a shell or a terminal makes something of.
	plainName = lazy.MustCompile(`^[A-Za-z0-9_\[/.][A-Za-z0-9._:/@\[\]+=-]{0,119}$`)
)

// filled puts names into the blanks of the words, {name|what stands there when
// the line does not say}.
func (c Cause) filled(names map[string]string) Cause {
	fill := func(s string) string {
		if !strings.Contains(s, "{") {
			return s
		}
		return blank.ReplaceAllStringFunc(s, func(m string) string {
			parts := blank.FindStringSubmatch(m)
			if name := names[parts[1]]; plainName.MatchString(name) {
				return name
			}
			return parts[2]
		})
	}
	words := func(s string) string { return strings.ReplaceAll(fill(s), "  ", " ") } // where a name is not known
	c.Title, c.Meaning, c.Remedy, c.Command = words(c.Title), words(c.Meaning), words(c.Remedy), fill(c.Command)
	return c
}

// At is c with its commands for the instance of Postfix whose configuration is in
// configDir. A table that the text has not named is looked for there.
func (c Cause) At(configDir string) Cause {
	if dir := filepath.Clean(configDir); configDir != "" && c.names["map"] == "" && c.names["table"] == "" {
		c.Command = strings.ReplaceAll(c.Command, postfix.DefaultConfigDir+"/", dir+"/")
	}
	c.Command, c.Remedy = postfix.AtInstance(c.Command, configDir), postfix.AtInstance(c.Remedy, configDir)
	return c
}
