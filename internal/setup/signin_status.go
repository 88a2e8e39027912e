package setup

import (
	"cmp"
	"math"
	"time"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/exposition"
	"relayhost/internal/host"
	"relayhost/internal/oauth"
	"relayhost/internal/plan"
	"relayhost/internal/plural"
	"relayhost/internal/postfix"
)

// SignInStatus is how a sign-in by OAuth stands, as files on this server tell it.
type SignInStatus struct {
	Bridge          string     `json:"bridge"`
	Username        string     `json:"username"`
	Grant           string     `json:"grant"`
	RenewedAt       *time.Time `json:"renewed_at,omitempty"`
	CertificateEnds *time.Time `json:"certificate_ends,omitempty"`
	SecretEnds      *time.Time `json:"secret_ends,omitempty"` // as client_secret_expires said
	// Refused is the last refusal, where no token was had since.
	Refused *SignInRefused `json:"refused,omitempty"`
}

// SignInRefused is a refusal of the identity provider.
type SignInRefused struct {
	Time    time.Time `json:"time"`
	Number  string    `json:"number,omitempty"` // AADSTS
	Error   string    `json:"error"`
	Meaning string    `json:"meaning,omitempty"`
	Remedy  string    `json:"remedy,omitempty"`
}

// signInStatus reads how the sign-ins of the bridges in use stand.
func signInStatus(r *host.Reader, state postfix.State) (list []SignInStatus, err error) {
	if state.Master == nil {
		return nil, nil
	}
	state.Load(r, plan.Paths(state)...)
	for _, b := range plan.StoredBridges(state) {
		if b.Config.OAuth == nil {
			continue
		}
		s := SignInStatus{Bridge: b.Name, Username: b.Config.Username, Grant: string(b.Config.OAuth.Grant)}
		st, failed := oauth.Source{Client: *b.Config.OAuth, Path: conf.TokenPath(conf.Directory, b.Name)}.Standing()
		if failed != nil {
			err = failed
		}
		if !st.Obtained.IsZero() {
			s.RenewedAt = &st.Obtained
		}
		switch {
		case st.Ends.IsZero():
		case b.Config.OAuth.Certificate.IsZero():
			s.SecretEnds = &st.Ends
		default:
			s.CertificateEnds = &st.Ends
		}
		if st.Refused != nil {
			refusal := st.Refused.Refusal()
			reason := refusal.Reason()
			s.Refused = &SignInRefused{Time: st.Refused.Time, Number: refusal.Number, Error: refusal.Error(), Meaning: reason.Meaning, Remedy: reason.Remedy}
		}
		list = append(list, s)
	}
	return list, err
}

// writeSignIns prints how each sign-in stands.
func writeSignIns(row func(label, format string, args ...any), list []SignInStatus) {
	for _, s := range list {
		text := "as " + s.Username
		if s.RenewedAt != nil {
			text += ", renewed " + s.RenewedAt.Local().Format(time.DateTime)
		} else {
			text += ", no token stored"
		}
		switch {
		case s.CertificateEnds != nil:
			text += ", the certificate " + endsIn(time.Until(*s.CertificateEnds))
		case s.SecretEnds != nil:
			text += ", the secret " + endsIn(time.Until(*s.SecretEnds))
		case s.Grant == string(oauth.ClientCredentials):
			text += ", nobody has said when the secret ends (client_secret_expires=)"
		}
		row("Signed in", "%s", text)
		if s.Refused != nil {
			row("Refused", "%s: %s; %s", s.Refused.Time.Local().Format(time.DateTime), cmp.Or(s.Refused.Meaning, s.Refused.Error), cmp.Or(s.Refused.Remedy, "relayhost verify tries it"))
		}
	}
}

// signInMetrics are those of the sign-ins.
func signInMetrics(t *exposition.Text, list []SignInStatus) {
	var renewed, ends, secrets, refused []exposition.Sample
	for _, s := range list {
		labels := []exposition.Label{{Name: "bridge", Value: s.Bridge}}
		if s.RenewedAt != nil {
			renewed = append(renewed, exposition.Sample{Labels: labels, Value: float64(s.RenewedAt.Unix())})
		}
		if s.CertificateEnds != nil {
			ends = append(ends, exposition.Sample{Labels: labels, Value: float64(s.CertificateEnds.Unix())})
		}
		if s.SecretEnds != nil {
			secrets = append(secrets, exposition.Sample{Labels: labels, Value: float64(s.SecretEnds.Unix())})
		}
		number, value := "", 0.0
		if s.Refused != nil {
			number, value = s.Refused.Number, 1
		}
		refused = append(refused, exposition.Sample{Labels: append(labels, exposition.Label{Name: "aadsts", Value: number}), Value: value})
	}
	for _, m := range []struct {
		name, help string
		samples    []exposition.Sample
	}{
		{"relayhost_signin_renewed_timestamp_seconds", "When the last token was had, in Unix time.", renewed},
		{"relayhost_signin_certificate_end_timestamp_seconds", "When the client certificate ends, in Unix time.", ends},
		{"relayhost_signin_secret_end_timestamp_seconds", "When the client secret ends as client_secret_expires said, in Unix time.", secrets},
		{"relayhost_signin_refused", "1 while the identity provider refuses a token; aadsts is Microsoft's number.", refused},
	} {
		if len(m.samples) > 0 {
			t.Gauge(m.name, m.help, m.samples...)
		}
	}
}

// endsIn says when what ends after left ends, or that it has ended.
func endsIn(left time.Duration) string {
	days := int(math.Floor(left.Hours() / 24))
	switch {
	case left < 0:
		return "ended " + plural.Of(max(1, -days-1), "day") + " ago"
	case days == 0:
		return "ends within a day"
	}
	return "ends in " + plural.Of(days, "day")
}
