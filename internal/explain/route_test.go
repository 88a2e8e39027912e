package explain

import (
	"testing"

	"relayhost/internal/postfix"
)

// TestOAuth: the path of a token file is no password.
func TestOAuth(t *testing.T) {
	for _, tt := range []struct {
		name, filter, password string
		plugins                []string
		want                   bool
	}{
		{"filter", "xoauth2", "x", nil, true},
		{"filter with others", "plain, login, xoauth2", "x", []string{"XOAUTH2"}, false},
		{"token file", "", "/etc/tokens/a", []string{"PLAIN", "XOAUTH2"}, true},
		{"token file without the plugin", "", "/etc/tokens/a", []string{"PLAIN"}, false},
		{"password", "", "secret", []string{"XOAUTH2"}, false},
		{"filter of passwords", "plain,login", "secret", nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := postfix.State{Params: map[string]string{"smtp_sasl_mechanism_filter": tt.filter}, SASLPlugins: tt.plugins}
			if got := OAuth(s, postfix.RouteOf(s), tt.password); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// TestInspectOAuth: a working setup with sasl-xoauth2 has no fault.
func TestInspectOAuth(t *testing.T) {
	state := postfix.State{Installed: true, Running: true, SASLTypes: []string{"cyrus"}, SASLPlugins: []string{"XOAUTH2"}, Params: map[string]string{
		"relayhost": "[smtp.office365.com]:587", "smtp_sasl_auth_enable": "yes", "smtp_sasl_mechanism_filter": "xoauth2",
		"smtp_sasl_password_maps": "hash:/etc/postfix/sasl_passwd", "smtp_tls_security_level": "secure", "smtp_sasl_security_options": "noplaintext,noanonymous",
	}}
	for _, id := range []string{"sasl_plugins_missing", "sasl_mech_filter", "sasl_noplaintext_default"} {
		t.Run(id, func(t *testing.T) {
			if sign, ok := Inspect(state, "").About(id); !ok || sign.Holds {
				t.Errorf("got checked %v, holds %v (%s), want true and false", ok, sign.Holds, sign.Detail)
			}
		})
	}
}

// TestLookBypass: mail that went to a mail server of its recipient bypassed the relay where
// one is set up, and this host shows it.
func TestLookBypass(t *testing.T) {
	const line = "Nov 12 08:02:54 host postfix/smtp[9]: 4AB: to=<a@example.net>, relay=none, delay=30, dsn=4.4.1, status=deferred (connect to mx.example.net[192.0.2.21]:25: Connection timed out)"
	const smtp, service = "smtp unix - - n - - smtp\n", "relayhost-ses unix - - n - - smtp\n"
	for _, tt := range []struct {
		name, transport, tables, master, want string
	}{
		{"no setup", "smtp", "", smtp, "net_timeout"},
		{"a setup", "relayhost-ses:[relay.test]:587", "", smtp + service, "net_timeout"},
		{"a setup that nothing leads to", "smtp", "", smtp + service, "override_elsewhere"},
		{"a bridge that nothing leads to", "smtp", "", smtp + "relayhost-ses unix - - n - - lmtp\n", "override_elsewhere"},
		{"the program behind a bridge", "smtp", "", smtp + "relayhost-ses-out unix - n n - - spawn\n", "net_timeout"},
		{"a setup and a table", "relayhost-ses:[relay.test]:587", "hash:/etc/postfix/transport", smtp + service, "override_elsewhere"},
		{"a table and no relay", "smtp", "hash:/etc/postfix/transport", smtp, "net_timeout"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			master, err := postfix.ParseMaster([]byte(tt.master))
			if err != nil {
				t.Fatal(err)
			}
			s := postfix.State{Installed: true, Running: true, Master: master, Params: map[string]string{"default_transport": tt.transport, "transport_maps": tt.tables}}
			c := Collector{Signs: Look(s, "")}
			c.Add([]byte(line))
			c.End()
			if got := c.Groups(); len(got) != 1 || got[0].Cause.ID != tt.want {
				t.Errorf("got %+v, want one group, of %s", got, tt.want)
			}
		})
	}
}
