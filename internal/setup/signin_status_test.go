package setup

import (
	"strings"
	"testing"
	"time"
)

// TestSignInStatus: status and metrics say when the token was renewed, when certificate
// or secret end, and what the identity provider refuses, with Microsoft's number in words.
func TestSignInStatus(t *testing.T) {
	now := time.Now()
	at := func(d time.Duration) *time.Time { moment := now.Add(d); return &moment }
	const day = 24 * time.Hour
	renewed := at(-2 * time.Hour)
	for _, row := range []struct {
		name    string
		status  SignInStatus
		text    []string
		metrics []string
	}{
		{"secret that ends", SignInStatus{Grant: "client_credentials", RenewedAt: renewed, SecretEnds: at(12*day + time.Hour)},
			[]string{"as app@contoso.example, renewed " + renewed.Local().Format(time.DateTime) + ", the secret ends in 12 days"},
			[]string{`relayhost_signin_renewed_timestamp_seconds{bridge="m365"}`, `relayhost_signin_secret_end_timestamp_seconds{bridge="m365"}`, `relayhost_signin_refused{bridge="m365",aadsts=""} 0`}},
		{"secret of which nobody knows", SignInStatus{Grant: "client_credentials", RenewedAt: renewed},
			[]string{"nobody has said when the secret ends (client_secret_expires=)"}, []string{`relayhost_signin_refused{bridge="m365",aadsts=""} 0`}},
		{"certificate", SignInStatus{Grant: "client_credentials", RenewedAt: renewed, CertificateEnds: at(time.Hour)},
			[]string{"the certificate ends within a day"}, []string{`relayhost_signin_certificate_end_timestamp_seconds{bridge="m365"}`}},
		{"certificate of the past", SignInStatus{Grant: "client_credentials", CertificateEnds: at(-3*day - time.Hour)},
			[]string{"no token stored, the certificate ended 3 days ago"}, nil},
		{"a user", SignInStatus{Grant: "device", RenewedAt: renewed}, []string{"renewed " + renewed.Local().Format(time.DateTime) + "\n"}, nil},
		{"refused", SignInStatus{Grant: "device", Refused: &SignInRefused{Time: now, Number: "50173", Error: "login.microsoftonline.com: invalid_grant: AADSTS50173: x", Meaning: "the sign-in was revoked", Remedy: "run relayhost sign-in"}},
			[]string{": the sign-in was revoked; run relayhost sign-in\n"}, []string{`relayhost_signin_refused{bridge="m365",aadsts="50173"} 1`}},
		{"refused without a number", SignInStatus{Grant: "device", Refused: &SignInRefused{Time: now, Error: "login.example: HTTP status 503"}},
			[]string{": login.example: HTTP status 503; relayhost verify tries it\n"}, []string{`relayhost_signin_refused{bridge="m365",aadsts=""} 1`}},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.status.Bridge, row.status.Username = "m365", "app@contoso.example"
			doc := Status{SignIns: []SignInStatus{row.status}}
			text, metrics := doc.Text(), string(StatusMetrics(doc, "1", now).Bytes())
			for _, want := range row.text {
				if !strings.Contains(text, want) {
					t.Errorf("status: got\n%s\nwant %q in it", text, want)
				}
			}
			for _, want := range row.metrics {
				if !strings.Contains(metrics, want) {
					t.Errorf("metrics: got\n%s\nwant %q in it", metrics, want)
				}
			}
		})
	}
}
