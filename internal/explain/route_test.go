package explain

import (
	"testing"

	"relayhost/internal/postfix"
)

// TestOAuth: the path of a token file is no password.
func TestOAuth(t *testing.T) {
	for _, tt := range []struct {
		filter, password string
		plugins          []string
		want             bool
	}{
		{"xoauth2", "x", nil, true},
		{"plain, login, xoauth2", "x", []string{"XOAUTH2"}, false},
		{"", "/etc/tokens/a", []string{"PLAIN", "XOAUTH2"}, true},
		{"", "/etc/tokens/a", []string{"PLAIN"}, false},
		{"", "secret", []string{"XOAUTH2"}, false},
		{"plain,login", "secret", nil, false},
	} {
		r := Route{State: postfix.State{Params: map[string]string{"smtp_sasl_mechanism_filter": tt.filter}, SASLPlugins: tt.plugins}}
		if got := r.OAuth(tt.password); got != tt.want {
			t.Errorf("filter %q, password %q, plug-ins %v: %v, want %v", tt.filter, tt.password, tt.plugins, got, tt.want)
		}
	}
}

// TestInspectOAuth: a working setup with sasl-xoauth2 has no fault.
func TestInspectOAuth(t *testing.T) {
	state := postfix.State{Installed: true, Running: true, SASLTypes: []string{"cyrus"}, SASLPlugins: []string{"XOAUTH2"}, Params: map[string]string{
		"relayhost": "[smtp.office365.com]:587", "smtp_sasl_auth_enable": "yes", "smtp_sasl_mechanism_filter": "xoauth2",
		"smtp_sasl_password_maps": "hash:/etc/postfix/sasl_passwd", "smtp_tls_security_level": "secure", "smtp_sasl_security_options": "noplaintext,noanonymous",
	}}
	for _, id := range []string{"sasl_plugins_missing", "sasl_mech_filter", "sasl_noplaintext_default"} {
		if sign, ok := Inspect(state, "").About(id); !ok || sign.Holds {
			t.Errorf("%s: got checked %v, holds %v (%s), want true and false", id, ok, sign.Holds, sign.Detail)
		}
	}
}
