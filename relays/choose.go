package relays

import (
	"fmt"
	"slices"
	"strings"
)

// IsMailbox reports whether the relay is the outgoing server of a mailbox.
func (r Relay) IsMailbox() bool { return r.Kind == Mailbox }

// NeedsDomain says whether mail can be sent without a domain of one's own:
// "needed", "address" (one verified address is enough) or "none".
func (s Sender) NeedsDomain() string {
	switch {
	case s.Domain != "":
		return s.Domain
	case s.Rule == "verified":
		return "needed"
	}
	return "none"
}

// TakesPassword reports whether Postfix can log in with a password.
func (r Relay) TakesPassword() bool {
	return len(r.Auth.Mechanisms) == 0 || slices.ContainsFunc(r.Auth.Mechanisms, func(m string) bool { return m != "XOAUTH2" && m != "OAUTHBEARER" })
}

// signsIn are the relays that setup can sign in to by OAuth; a test of
// internal/config holds the list.
var signsIn = strings.Fields("m365 m365-hve outlook")

// SignsIn reports whether setup --sign-in logs in to the relay by OAuth.
func (r Relay) SignsIn() bool { return slices.Contains(signsIn, r.ID) }

// withoutPassword says how a relay that takes no password is set up.
func (r Relay) withoutPassword() string {
	if r.SignsIn() {
		return "its login is by OAuth alone: relayhost setup --relay " + r.ID + " --sign-in device --client-id ID"
	}
	return "its login is by OAuth alone, which setup does not support for it"
}

// viaHTTPS are the relays whose API setup can send by, of internal/bridge/api: this
// package imports nothing of it, and a test of internal/config holds the list.
var viaHTTPS = strings.Fields("acs brevo cloudflare gmail lettermint m365 mailersend mailgun mailjet mailtrap mandrill oci postmark resend sendgrid ses smtp2go sparkpost")

// ViaHTTPS reports whether setup --via https sends by the relay's API.
func (r Relay) ViaHTTPS() bool { return slices.Contains(viaHTTPS, r.ID) }

// apiUse says what the HTTP API of the relay is good for.
func (r Relay) apiUse() string {
	if r.ViaHTTPS() {
		return "; relayhost setup --via https sends by it"
	}
	return "; for programs only: setup cannot send by it"
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
	HTTPS    bool  // setup can send by the relay's API, on port 443
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
		if f.Free && r.Free == nil || f.NoDomain && r.Sender.NeedsDomain() == "needed" || f.Mailbox && !r.IsMailbox() || f.HTTPS && !r.ViaHTTPS() {
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
