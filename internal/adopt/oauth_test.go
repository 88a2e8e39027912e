package adopt_test

import (
	"strings"
	"testing"

	"relayhost/internal/config"
	"relayhost/internal/lab/handmade"
)

// TestOAuth: a login by a plugin or a proxy is offered as a hop of a bridge, with the
// application that is registered already, and without a token or secret of it.
func TestOAuth(t *testing.T) {
	const token = `{"access_token": "` + password + `", "refresh_token": "` + password + `", "expiry": "1", "client_id": "7f3a-app", "client_secret": "",
		"token_endpoint": "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token"}`
	const proxy = "[Server setup]\n[SMTP-1587]\nserver_address = smtp.office365.com\nserver_port = 587\n\n[app@contoso.example]\n" +
		"token_url = https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token\n# client_id = old\nclient_id = 7f3a-app\nclient_secret = " + password + "\n"
	const direct = "relayhost = [smtp.office365.com]:587\nsmtp_sasl_auth_enable = yes\nsmtp_sasl_mechanism_filter = xoauth2\nsmtp_sasl_password_maps = hash:/p\nsmtp_tls_security_level = secure\nsender_canonical_maps = static:app@contoso.example\n"
	direct2 := strings.Replace(direct, "smtp.office365.com]:587", "127.0.0.1]:1587", 1)
	login := func(value string) handmade.File {
		return handmade.File{Path: "/p", Data: "[smtp.office365.com]:587 app@contoso.example:" + value + "\n[127.0.0.1]:1587 app@contoso.example:" + value + "\n"}
	}
	const offered = "relay = \"m365\"\n"
	for _, row := range []struct {
		name  string
		main  string
		files []handmade.File
		want  []string
		not   []string
	}{
		{"sasl-xoauth2", direct, []handmade.File{login("/var/spool/relayhost/app.json"), {Path: "/var/spool/relayhost/app.json", Data: token}},
			[]string{offered, "via = \"smtp-oauth\"\nsign_in = \"device\"\ntenant = \"contoso.example\"\nclient_id = \"7f3a-app\"\n", "changes: the login by OAuth at smtp.office365.com"}, []string{"open: tenant"}},
		{"client of the plugin's configuration, any tenant", direct, []handmade.File{login("/t/app.json"), {Path: "/etc/sasl-xoauth2.conf", Data: `{"client_id": "conf-app", "client_secret": "x"}`},
			{Path: "/t/app.json", Data: `{"refresh_token": "r", "token_endpoint": "https://login.microsoftonline.com/common/oauth2/v2.0/token"}`}},
			[]string{"client_id = \"conf-app\"\n", "open: tenant: the token file names no tenant"}, []string{"tenant = "}},
		{"email-oauth2-proxy with a user", direct2, []handmade.File{login("local"), {Path: "/etc/emailproxy.config", Data: proxy}},
			[]string{offered, "port = 587\n", "sign_in = \"device\"\ntenant = \"contoso.example\"\nclient_id = \"7f3a-app\"\n", "the configuration of email-oauth2-proxy"}, []string{"open: proxy", "127.0.0.1\"\n"}},
		{"email-oauth2-proxy with client credentials", direct2, []handmade.File{login("local"), {Path: "/opt/email-oauth2-proxy/emailproxy.config", Data: proxy + "oauth2_flow = client_credentials\n"}},
			[]string{"sign_in = \"client_credentials\"\n", "--credentials-file"}, nil},
		{"a proxy that is not known", direct2, []handmade.File{login("local")}, []string{"open: proxy"}, []string{"via = "}},
		{"a password", strings.Replace(direct, "smtp_sasl_mechanism_filter = xoauth2\n", "", 1), []handmade.File{login("secret")}, []string{offered}, []string{"via = "}},
	} {
		t.Run(row.name, func(t *testing.T) {
			a, err := read(t, state(t, row.main, "", row.files...), "")
			if err != nil {
				t.Fatal(err)
			}
			got := text(a)
			for _, want := range row.want {
				if !strings.Contains(got, want) {
					t.Errorf("got\n%s\nwant %q in it", got, want)
				}
			}
			for _, not := range row.not {
				if strings.Contains(got, not) {
					t.Errorf("got\n%s\nwant no %q", got, not)
				}
			}
			if _, err := config.Read(a.TOML()); err != nil {
				t.Errorf("reading the offer: got %v, want no error\n%s", err, a.TOML())
			}
		})
	}
}
