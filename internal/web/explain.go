package web

import (
	"context"
	"strings"

	"relayhost/internal/explain"
	"relayhost/relays"
)

// Question is a text that somebody pasted: a line, a reply, or a log.
type Question struct {
	Text  string `json:"text"`
	Relay string `json:"relay,omitempty"` // ID of the service that it comes from
}

// Answer is the document of `relayhost explain --no-host --json`, and its words
// without --json.
type Answer struct {
	explain.Document
	Shown []Shown `json:"shown,omitempty"` // one for each of Groups
	Rest  string  `json:"rest,omitempty"`
	Error string  `json:"error,omitempty"`
}

// Shown is a group as it is read.
type Shown struct {
	Heading string `json:"heading"`
	Items   []Item `json:"items"`
}

// Item is one thing to say of a group: what fixes it ("run", "do"), why, where it was
// seen ("line").
type Item struct {
	Label string `json:"label"`
	Text  string `json:"text"`
}

// Explain says what q means. It looks at no host.
func Explain(q Question) Answer {
	c := &explain.Collector{}
	fail := func(err error) Answer {
		return Answer{Document: explain.Document{Version: 1, Groups: []explain.Group{}}, Error: err.Error()}
	}
	if q.Relay != "" {
		r, err := relays.Get(q.Relay)
		if err != nil {
			return fail(err)
		}
		c.Relay = &r
	}
	if err := c.Read(context.Background(), strings.NewReader(q.Text)); err != nil {
		return fail(err)
	}
	d, known := c.Document()
	a := Answer{Document: d}
	for _, g := range d.Groups {
		shown := Shown{Heading: g.Heading()}
		for _, i := range g.Items() {
			shown.Items = append(shown.Items, Item{i.Label, i.Text})
		}
		a.Shown = append(a.Shown, shown)
	}
	if known {
		a.Rest = c.Rest(len(d.Groups))
	}
	return a
}
