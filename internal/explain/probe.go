//go:build unix

package explain

import (
	"errors"
	"slices"
	"strings"

	"relayhost/internal/smtpprobe"
	"relayhost/relays"
)

// Probe explains why a probe failed. nil: it did not, or nobody knows.
func Probe(r smtpprobe.Result, relay *relays.Relay) []Cause {
	id := faults[r.Fault]
	switch {
	case r.Fault == smtpprobe.FaultReply:
		causes := Reply(r.Code, r.Text, "", relay)
		// Before the login a refusal says more by its place than by common words.
		if id = refusedAt[r.Failed]; len(causes) > 0 && causes[0].rank < rankGeneric || id == "" {
			return causes
		}
	case r.Fault == smtpprobe.FaultTimeout && r.Failed != smtpprobe.StepConnect,
		r.Fault == smtpprobe.FaultReset && r.Failed != smtpprobe.StepConnect:
		id = silent(r.Failed)
	case r.Fault == smtpprobe.FaultNoMechanism && slices.ContainsFunc(r.Auth, oauth):
		id = "sasl_oauth_only"
	case r.Fault == smtpprobe.FaultNoRoute && r.Addr.Addr().Is6():
		id = "net_unreachable_v6"
	case errors.Is(r.Err, smtpprobe.ErrPin): // whoever has signed the certificate
		id = "tls_fingerprint"
	case r.Fault == smtpprobe.FaultTLS && r.Err != nil:
		if causes := Text(r.Err.Error(), relay); len(causes) > 0 {
			return causes
		}
	}
	c, ok := ByID(id)
	if !ok {
		return nil
	}
	return []Cause{c}
}

// silent is the cause where a connection falls silent or ends at a step.
func silent(at smtpprobe.Step) string {
	switch at {
	case smtpprobe.StepGreeting:
		return "net_greeting_timeout"
	case smtpprobe.StepTLS:
		return "tls_handshake_dropped"
	}
	return "dialogue_dropped"
}

// refusedAt is the cause of a refusal at a step, whatever the words.
var refusedAt = map[smtpprobe.Step]string{
	smtpprobe.StepGreeting: "turned_away", smtpprobe.StepEHLO: "turned_away", smtpprobe.StepEHLOTLS: "turned_away",
	smtpprobe.StepSTARTTLS: "tls_refused",
}

func oauth(mechanism string) bool {
	return strings.EqualFold(mechanism, "XOAUTH2") || strings.EqualFold(mechanism, "OAUTHBEARER")
}

// faults gives each fault of a probe the cause that explains it.
var faults = map[smtpprobe.Fault]string{
	smtpprobe.FaultTimeout:     "net_timeout",
	smtpprobe.FaultRefused:     "net_refused",
	smtpprobe.FaultReset:       "net_refused",
	smtpprobe.FaultUnreachable: "net_refused",
	smtpprobe.FaultNoRoute:     "net_unreachable",
	smtpprobe.FaultProhibited:  "net_prohibited",
	smtpprobe.FaultNotSMTP:     "port_not_smtp",
	smtpprobe.FaultProtocol:    "smtp_protocol_broken",
	smtpprobe.FaultNoSTARTTLS:  "tls_not_offered",
	smtpprobe.FaultTLS:         "tls_handshake_failure",
	smtpprobe.FaultUntrusted:   "tls_untrusted_issuer",
	smtpprobe.FaultWrongName:   "tls_name_mismatch",
	smtpprobe.FaultExpired:     "tls_expired_or_clock",
	smtpprobe.FaultNoAuth:      "auth_not_offered",
	smtpprobe.FaultNoMechanism: "auth_no_mechanism",
}
