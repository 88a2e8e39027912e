package setup

import (
	"strings"
	"testing"

	"relayhost/internal/config"
)

// A sign-in by OAuth that the file asks for is refused at its line, and not passed over.
func TestNotBridged(t *testing.T) {
	const file = "version = 1\nrelay = \"m365\"\nfrom = \"app@contoso.example\"\n"
	for _, test := range []struct{ name, text, want string }{
		{"password", file, ""},
		{"token", file + "via = \"smtp-oauth\"\n", "relayhost.toml:4: a sign-in by OAuth cannot be set up yet"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := config.Read([]byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if err := notBridged(c); err != nil {
				got = err.Error()
			}
			if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
