package verify

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"relayhost/internal/oauth"
	"relayhost/internal/plural"
)

// endsSoon is how long before its end a client certificate or secret is told of.
const endsSoon = 30 * 24 * time.Hour

// signInCauses are the causes of the failure catalogue for what Microsoft says;
// signin_refused stands for the others.
var signInCauses = map[string]string{
	"50173": "signin_revoked", "50078": "signin_revoked", "50076": "signin_revoked", "50079": "signin_revoked", "50055": "signin_revoked", "50057": "signin_revoked",
	"70000": "signin_revoked", "70043": "signin_revoked",
	"700082": "signin_unused", "70008": "signin_unused",
	"7000222": "signin_secret_expired",
	"7000215": "signin_secret_wrong", "700027": "signin_secret_wrong", "700025": "signin_secret_wrong",
	"700024": "signin_clock", "50012": "signin_clock",
	"7000218": "signin_public_client",
	"65001":   "signin_consent", "65004": "signin_consent", "90094": "signin_consent", "650057": "signin_consent", "70011": "signin_consent",
	"53000": "signin_blocked", "53003": "signin_blocked", "530032": "signin_blocked", "530035": "signin_blocked", "50105": "signin_blocked", "50053": "signin_blocked",
	"700016": "signin_application_unknown", "70001": "signin_application_unknown", "7000112": "signin_application_unknown", "90002": "signin_application_unknown",
	"90038": "signin_application_unknown", "500011": "signin_application_unknown", "50034": "signin_application_unknown", "50020": "signin_application_unknown",
}

// signIn gets the token that the hop is logged in with, and renews a sign-in that
// would end for want of use. It reports whether there is one to try.
func (l *hopCheck) signIn(ctx context.Context) bool {
	if l.hop.Source == nil {
		return true
	}
	start := time.Now()
	token, err := l.hop.Source.Token(ctx)
	if err != nil {
		l.found(l.notSignedIn(err, start))
		return false
	}
	l.hop.Token = token
	st, err := l.hop.Source.Standing()
	if err != nil {
		l.found(Finding{Check: "auth", Result: Warn, Detail: l.about(err.Error()), Ms: ms(time.Since(start))})
		return true
	}
	age := time.Since(st.Obtained).Round(time.Minute)
	if age < 0 {
		l.found(Finding{Check: "auth", Result: Warn, Detail: l.about(fmt.Sprintf("the token was renewed in the future by this server's clock, in %s", -age)), Ms: ms(time.Since(start))}.known("clock_jump"))
		return true
	}
	detail := fmt.Sprintf("signed in at %s as %s; the token was renewed %s ago", l.hop.Source.Client.Host(), l.hop.Username, age)
	f := Finding{Check: "auth", Result: Pass, Detail: l.about(detail), Ms: ms(time.Since(start))}
	if left := time.Until(st.Ends); !st.Ends.IsZero() {
		days := int(left.Abs().Hours() / 24)
		what, cause, again := "certificate", "signin_certificate_ends", "Upload a new one under Certificates & secrets, and give its file to setup."
		if l.hop.Source.Client.Certificate.IsZero() {
			what, cause, again = "secret", "signin_secret_ends", "Make a new one under Certificates & secrets, and give its Value to setup, with client_secret_expires=."
		}
		span, ends := plural.Of(days, "day"), "ends"
		if days == 0 {
			span = "less than a day"
		}
		if left >= 0 {
			f.Detail += fmt.Sprintf("; the client %s ends in %s", what, span)
		} else {
			ends = "ended"
			f.Detail += fmt.Sprintf("; the client %s ended %s ago, by the date that was given", what, span)
		}
		if left < endsSoon {
			f.Result, f.Cause = Warn, cause
			f.Remedy = fmt.Sprintf("The client %s %s on %s, and mail is deferred from then on. %s", what, ends, st.Ends.UTC().Format(time.DateOnly), again)
			f.Command = "relayhost setup --credentials-file FILE"
		}
	}
	if st.Ends.IsZero() && !l.hop.Source.Client.Secret.IsZero() {
		f.Detail += "; nobody has said when the client secret ends (client_secret_expires= in the credentials file)"
	}
	l.found(f)
	return true
}

// notSignedIn is a refusal in words.
func (l *hopCheck) notSignedIn(err error, start time.Time) Finding {
	f := Finding{Check: "auth", Result: Fail, Detail: l.about(err.Error()), Ms: ms(time.Since(start))}
	var r *oauth.Refusal
	var unfit *oauth.CertificateError
	var invalid x509.CertificateInvalidError
	var file *fs.PathError // of the store
	switch {
	case errors.As(err, &r):
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return f.known("tls_expired_or_clock") // of the endpoint, or of this server
	case errors.As(err, &unfit) && strings.Contains(unfit.Why, "clock"):
		return f.known("signin_clock")
	case errors.As(err, &file):
		return f.known("bridge_store")
	default:
		return f.known("signin_refused")
	}
	if meaning := r.Reason().Meaning; meaning != "" {
		f.Detail = l.about(fmt.Sprintf("%s (%v)", meaning, err))
	}
	switch id, ok := signInCauses[r.Number]; {
	case ok:
		return f.known(id)
	case r.Code == "not_signed_in":
		return f.known("signin_missing")
	}
	return f.known("signin_refused")
}
