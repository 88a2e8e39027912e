package setup

import (
	"testing"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/config"
	"relayhost/internal/secret"
	"relayhost/relays"
)

// The two halves of a key pair are replaced together in a setup after the first, and kept
// together where none is given.
func TestKeyPairAgain(t *testing.T) {
	relay, err := relays.Get("mailjet")
	if err != nil {
		t.Fatal(err)
	}
	a, ok := conf.Get(relay.ID)
	if !ok {
		t.Fatal("mailjet: got no API, want one")
	}
	given := secret.Credentials{Username: "new-user"}
	given.API.Key = secret.New("new-key")
	for name, test := range map[string]struct {
		given     secret.Credentials
		user, key string
	}{
		"a new pair": {given, "new-user", "new-key"},
		"none":       {secret.Credentials{}, "old-user", "old-key"},
	} {
		t.Run(name, func(t *testing.T) {
			c := config.Config{Routes: []config.Route{{Hops: []config.Hop{{Relay: relay,
				API: config.API{Settings: map[conf.Field]string{conf.Login: "old-user"}, Key: secret.New("old-key")}}}}}}
			h := c.First()
			if err := keyAccount(a, h, test.given); err != nil {
				t.Fatal(err)
			}
			apiSettings(a, c, at{}, test.given)
			if user, key := h.API.Settings[conf.Login], h.API.Key.Reveal(); user != test.user || key != test.key {
				t.Errorf("got the pair %q and %q, want %q and %q", user, key, test.user, test.key)
			}
		})
	}
}
