package verify

import (
	"strings"
	"testing"
	"time"

	"relayhost/internal/config"
	"relayhost/relays"
)

// TestEnds: a deadline is warned of 90 days before it, and after it.
func TestEnds(t *testing.T) {
	m365, err := relays.Get("m365")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		day, want string
		relay     relays.Relay
	}{
		{"2026-09-01", "", m365},
		{"2026-11-28", "Microsoft 365 SMTP AUTH: 33 days left (2026-12-31)", m365},
		{"2027-01-05", "Microsoft 365 SMTP AUTH: since 2026-12-31", m365},
		{"2026-11-28", "", relays.Relay{Name: "X"}},
		{"2026-11-28", "", relays.Relay{Name: "X", Ends: &relays.Deadline{Text: "some day"}}},
	} {
		t.Run(tt.day+"_"+tt.relay.Name, func(t *testing.T) {
			day, err := time.Parse(time.DateOnly, tt.day)
			if err != nil {
				t.Fatal(err)
			}
			tr := &routeCheck{run: &run{Env: Env{Routes: []Route{{Hops: []Hop{{Hop: config.Hop{Relay: &relays.Relay{}}}}}}}}, route: Route{Hops: []Hop{{Hop: config.Hop{Relay: &tt.relay}}}}}
			got := ends(tr.route, day)
			if len(got) == 1 != (tt.want != "") {
				t.Fatalf("%+v, want %q", got, tt.want)
			}
			if tt.want != "" && (got[0].Result != Warn || !strings.HasPrefix(got[0].Detail, tt.want) || !strings.Contains(got[0].Detail, "Set-TransportConfig")) {
				t.Errorf("%+v, want %q", got[0], tt.want)
			}
		})
	}
}
