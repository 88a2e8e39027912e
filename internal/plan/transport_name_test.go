package plan_test

import (
	"strings"
	"testing"
)

// What is set for the transport that mail has had does not hold for ours, and is
// named with its file and key.
func TestSettingsOfTheFormerTransportAreNamed(t *testing.T) {
	for _, test := range []struct {
		name  string
		host  *server
		notes []string
	}{
		{"nothing", debian(t), nil},
		{"smtp", debian(t).set("smtp_destination_rate_delay", "1s").set("smtp_transport_rate_delay", "2s").set("defer_transports", "smtp, uucp").
			service("smtp unix - - y - - smtp -o smtp_bind_address=192.0.2.1"), []string{
			"main.cf: smtp_destination_rate_delay = 1s stays and does not hold for mail to the relay: set relayhost-ses_destination_rate_delay for that",
			"main.cf: smtp_transport_rate_delay = 2s stays", "main.cf: defer_transports = smtp, uucp does not hold back mail for the relay, whose transport is relayhost-ses",
			"master.cf: -o smtp_bind_address=192.0.2.1 of the service smtp does not hold for mail to the relay",
		}},
		{"a service of their own", debian(t).set("default_transport", "out:[old.test]").set("out_destination_concurrency_limit", "2").set("smtp_destination_rate_delay", "1s").
			service("out unix - - n - - smtp -o smtp_helo_name=out.test"), []string{
			"main.cf: out_destination_concurrency_limit = 2 stays", "master.cf: -o smtp_helo_name=out.test of the service out",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := build(t, test.host, options())
			named := 0
			for _, note := range p.Notes {
				if strings.Contains(note, "for mail to the relay") || strings.Contains(note, "mail for the relay") {
					named++
				}
			}
			if named != len(test.notes) {
				t.Errorf("got %d notes, want %d: %q", named, len(test.notes), p.Notes)
			}
			for _, want := range test.notes {
				if !hasNote(p, want) {
					t.Errorf("got no %q, want it in %q", want, p.Notes)
				}
			}
		})
	}
}

// A relay says yes to every address, so that probes that go there refuse nobody.
func TestAddressProbes(t *testing.T) {
	for _, test := range []struct {
		name string
		host *server
		want bool
	}{
		{"none", debian(t), false},
		{"of recipients", debian(t).set("smtpd_recipient_restrictions", "permit_mynetworks, reject_unverified_recipient"), true},
		{"of one listener", debian(t).service("submission inet n - y - - smtpd -o smtpd_sender_restrictions=reject_unverified_sender,permit"), true},
		{"by a transport of their own", debian(t).set("smtpd_recipient_restrictions", "reject_unverified_recipient").set("address_verify_default_transport", "smtp"), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := build(t, test.host, options())
			if got := hasNote(p, "asks the relay about addresses elsewhere"); got != test.want {
				t.Errorf("told: got %v, want %v: %q", got, test.want, p.Notes)
			}
		})
	}
}
