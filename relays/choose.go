package relays

import (
	"fmt"
	"slices"
)

// IsMailbox reports whether the relay is the outgoing server of a mailbox.
func (r Relay) IsMailbox() bool { return r.Kind == Mailbox }

// NeedsDomain says whether mail can be sent without a domain of one's own:
// "needed", "address" (one verified address is enough) or "none".
func (r Relay) NeedsDomain() string {
	switch {
	case r.Sender.Domain != "":
		return r.Sender.Domain
	case r.Sender.Rule == "verified":
		return "needed"
	}
	return "none"
}

// TakesPassword reports whether Postfix can log in with a password: a relay
// that knows OAuth alone cannot be set up.
func (r Relay) TakesPassword() bool {
	return len(r.Auth.Mechanisms) == 0 || slices.ContainsFunc(r.Auth.Mechanisms, func(m string) bool { return m != "XOAUTH2" && m != "OAUTHBEARER" })
}

// String is "300 a day".
func (f Free) String() string {
	text := fmt.Sprintf("%d a %s", f.Messages, f.Per)
	if f.Note != "" {
		text += ", " + f.Note
	}
	return text
}

// freeAsOf is the month that the free amount is of, "" where it is recalled.
func (r Relay) freeAsOf() string {
	s := r.Sources[r.Free.Source]
	if s.Confidence == "recalled" {
		return ""
	}
	return s.Dated().Format("2006-01")
}

// Filter narrows a list of relays down to those that suit somebody.
type Filter struct {
	Free     bool  // some mail is free
	NoDomain bool  // no domain of one's own is needed
	Mailbox  bool  // mailboxes only
	HTTPS    bool  // an HTTP API sends as well
	Closed   []int // outbound ports that are blocked where the mail leaves
	// Open are the ports that were found to work from here, by the relay's ID; nil
	// where nobody has looked.
	Open map[string][]int
}

// Choose gives the relays of a list that pass f, with the ports that are not
// blocked alone. A relay without any is left out, unless HTTPS is asked for.
func Choose(list []Relay, f Filter) []Relay {
	var out []Relay
	for _, r := range list {
		if f.Free && r.Free == nil || f.NoDomain && r.NeedsDomain() == "needed" || f.Mailbox && !r.IsMailbox() || f.HTTPS && r.HTTPS == nil {
			continue
		}
		if len(f.Closed) > 0 || f.Open != nil {
			closed := func(port int) bool {
				return slices.Contains(f.Closed, port) || f.Open != nil && !slices.Contains(f.Open[r.ID], port)
			}
			r.Order = slices.DeleteFunc(r.PortOrder(), closed)
			r.Ports = slices.DeleteFunc(slices.Clone(r.Ports), func(p Port) bool { return closed(p.Port) })
			if len(r.Order) == 0 && !f.HTTPS {
				continue
			}
		}
		out = append(out, r)
	}
	return out
}
