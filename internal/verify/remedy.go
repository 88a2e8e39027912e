package verify

import (
	"strings"

	"relayhost/internal/smtpprobe"
	"relayhost/relays"
)

// unknownReply is the cause of a refusal whose wording nobody knows.
const unknownReply = "unknown_reply"

// Refusal is what a relay refuses in words that nobody knows.
type Refusal struct {
	Step     smtpprobe.Step // "" for those after the recipient
	Relay    relays.Relay
	Route    string // "" where there is one way only
	From, To string // of the test message
	Here     bool   // Postfix says it, and was not connected to the relay
}

// Remedied gives the finding on a refusal that is not explained the remedy that
// the step calls for: it says whom or what the relay does not take.
func (f Finding) Remedied(r Refusal) Finding {
	if f.Result == Pass || f.Result == Skip || f.Remedy != "" {
		return f
	}
	if f.Cause == "" {
		f.Cause = unknownReply
	}
	if r.Here {
		f.Remedy = "This is Postfix's own reply, not the relay's: the mail log shows more."
		return f
	}
	switch r.Step {
	case smtpprobe.StepMail:
		f.Remedy = "The relay rejects the sender " + r.From + ": give one that it has verified with --from."
		if r.Route != "" {
			f.Remedy = "The relay rejects the sender " + r.From + ": verify it there, or remove it from the route."
		}
	case smtpprobe.StepRcpt:
		f.Remedy = "The relay rejects the recipient " + r.To + ": choose another test recipient with --to."
	case smtpprobe.StepAuth:
		f.Remedy = "The relay refuses the login: check user name and password there."
	case smtpprobe.StepGreeting, smtpprobe.StepEHLO, smtpprobe.StepSTARTTLS, smtpprobe.StepEHLOTLS:
		f.Remedy = "The relay rejects this server before the login: try again later, or ask there whether it blocks this server's address."
	default:
		f.Remedy = "The relay's reply says what it rejects; its log or its support may know more."
	}
	if r.Relay.Docs != "" {
		f.Remedy += " See " + r.Relay.Docs
	}
	return f
}

// StepOf is the step that Postfix's text on a refusal names, "" for those after
// the recipient.
func StepOf(reply string) smtpprobe.Step {
	if strings.HasPrefix(reply, "SASL authentication failed") {
		return smtpprobe.StepAuth
	}
	// The relay's words come before what Postfix adds, and may say anything.
	if at := strings.LastIndex(reply, "(in reply to "); at >= 0 {
		command, _, _ := strings.Cut(reply[at+len("(in reply to "):], " ")
		return map[string]smtpprobe.Step{"MAIL": smtpprobe.StepMail, "RCPT": smtpprobe.StepRcpt, "EHLO": smtpprobe.StepEHLO, "HELO": smtpprobe.StepEHLO}[command]
	}
	if strings.Contains(reply, " refused to talk to me: ") {
		return smtpprobe.StepGreeting
	}
	return ""
}
