package setup

import (
	"strings"
	"testing"
	"time"

	"relayhost/internal/config"
	"relayhost/relays"
)

// TestDaysLeft: setup and status say how many days are left until Microsoft 365
// switches password login off, and after that day since when it is.
func TestDaysLeft(t *testing.T) {
	t.Cleanup(func() { today = time.Now })
	m365, err := relays.Get("m365")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ day, want string }{
		{"2026-11-28", "33 days left (2026-12-31): password login is switched off by default"},
		{"2026-12-30", "1 day left (2026-12-31): "},
		{"2026-12-31", "today: password login is switched off by default"},
		{"2027-01-05", "since 2026-12-31: password login is switched off by default"},
		{"2028-01-05", "since 2026-12-31: "},
	} {
		t.Run(tt.day, func(t *testing.T) {
			day, err := time.Parse(time.DateOnly, tt.day)
			if err != nil {
				t.Fatal(err)
			}
			today = func() time.Time { return day }
			told := &heard{}
			c := config.Config{Routes: []config.Route{{Hops: []config.Hop{{Relay: &m365}}}}}
			if _, err := Choose(t.Context(), Basis{Deps: Deps{Report: told}}, c, nobody{}); err != nil {
				t.Fatal(err)
			}
			_, status, _ := strings.Cut(Status{Relay: "m365", Configured: true, Postfix: "3.7.11"}.Text(), "\nEnds ")
			for who, text := range map[string]string{"setup": strings.TrimPrefix(strings.Join(told.lines, "\n"), "note: "), "status": strings.TrimSpace(status)} {
				for _, want := range []string{"Set-TransportConfig -SmtpClientAuthenticationDisabled $false", "Set-CASMailbox", "instead: --relay acs"} {
					if !strings.HasPrefix(text, tt.want) || !strings.Contains(text, want) {
						t.Errorf("%s: got %q, want %q, with %q", who, text, tt.want, want)
					}
				}
			}
		})
	}
}
