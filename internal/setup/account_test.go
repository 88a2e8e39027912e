package setup

import (
	"testing"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/config"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/relays"
)

// TestAPIAccountAgain: a second setup whose credentials name another user logs in as that
// one, not with its key as the one before; credentials without one keep the user.
func TestAPIAccountAgain(t *testing.T) {
	const name = "mailjet-https"
	stored := conf.Config{Via: conf.ViaHTTPS, API: &conf.APIConfig{
		ID: "mailjet", Settings: map[conf.Field]string{conf.Login: "former-user"}, Key: secret.New("former-key"),
	}}
	text, err := stored.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conf.Parse(text); err != nil {
		t.Fatal(err)
	}
	master, err := postfix.ParseMaster([]byte("relayhost-" + name + " unix - - n - 2 lmtp\n" +
		"relayhost-" + name + "-out unix - n n - 2 spawn\n  user=relayhost argv=/usr/bin/relayhost bridge " + name + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name      string
		given     secret.Credentials
		user, key string
	}{
		{"another pair", secret.Credentials{Username: "new-user", API: secret.API{Key: secret.New("new-key")}}, "new-user", "new-key"},
		{"as SMTP has it", secret.Credentials{Username: "new-user", Password: secret.New("new-key")}, "new-user", "new-key"},
		{"another key", secret.Credentials{API: secret.API{Key: secret.New("new-key")}}, "former-user", "new-key"},
		{"nothing", secret.Credentials{}, "former-user", "former-key"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := with(config.Route{Name: config.DefaultRoute, Hops: []config.Hop{{Relay: &relays.Relay{ID: "mailjet"}, Via: config.HTTPS}}})
			s.State = postfix.State{
				Master: master, Params: map[string]string{"default_transport": "relayhost-" + name + ":unix:private/" + name},
				Maps: map[string][]byte{conf.ConfigPath(conf.Directory, name): text},
			}
			s.Credentials.Flag = row.given
			c, _, err := accounts(t.Context(), s.Basis, s.Config, nil, "")
			if err != nil {
				t.Fatal(err)
			}
			got := c.First().API
			if got.Settings[conf.Login] != row.user || got.Key.Reveal() != row.key {
				t.Errorf("got the user %q, want %q, with the key of %q: %t", got.Settings[conf.Login], row.user, row.key, got.Key.Reveal() == row.key)
			}
		})
	}
}
