package web

import (
	"context"
	"slices"
	"strings"

	"relayhost/internal/explain"
	"relayhost/relays"
)

// Question is a text that somebody pasted: a line, a reply, or a log.
type Question struct {
	Text  string `json:"text"`
	Relay string `json:"relay,omitempty"` // ID of the service that it comes from
}

// Answer is the document of `relayhost explain --no-host --json`.
type Answer struct {
	Version int             `json:"version"`
	Lines   int             `json:"lines"`
	Unread  int             `json:"not_understood"`
	Groups  []explain.Group `json:"groups"`
	Report  string          `json:"report,omitempty"`
	Error   string          `json:"error,omitempty"`
}

// Explain says what q means. It looks at no host.
func Explain(q Question) Answer {
	a := Answer{Version: 1, Groups: []explain.Group{}}
	c := &explain.Collector{}
	if q.Relay != "" {
		r, err := relays.Get(q.Relay)
		if err != nil {
			a.Error = err.Error()
			return a
		}
		c.Relay = &r
	}
	if err := c.Read(context.Background(), strings.NewReader(q.Text)); err != nil {
		a.Error = err.Error()
		return a
	}
	if groups := c.Groups(); groups != nil {
		a.Groups = groups
	}
	a.Lines, a.Unread = c.Lines, c.Unread
	known := slices.ContainsFunc(a.Groups, func(g explain.Group) bool { return g.Cause.ID != "" })
	if !known && (len(a.Groups) > 0 || c.Unread > 0 && !c.Postfix) {
		a.Report = c.Report()
	}
	return a
}
