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
