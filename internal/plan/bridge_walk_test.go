package plan_test

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/config"
	"relayhost/internal/lint"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/relays"
)

// byKey is the hop of a relay's API.
func byKey(t *testing.T, relay string) config.Hop {
	t.Helper()
	h := hop(t, relay, 0, "")
	h.Via, h.Port, h.TLS, h.Password = config.HTTPS, config.HTTPSPort, relays.Implicit, secret.Value{}
	h.API.Key = secret.New("SG.Gehe1mKey")
	return h
}

// TestBridgeWalk: a route with a hop by a bridge is one service whose bridge has all
// hops, in both orders; its second plan changes nothing, the check of every verify finds
// nothing, and no password of it is in a table.
func TestBridgeWalk(t *testing.T) {
	for _, row := range []struct {
		name string
		hops []config.Hop
		conf string // name of its file
		out  string // entry of its bridge
		want []string
	}{
		{"m365, then SendGrid by password", []config.Hop{signedIn(t, "app@contoso.example"), hop(t, "sendgrid", 465, "apikey")}, "m365", "relayhost-m365-oauth-out",
			[]string{"[smtp.office365.com]:587 oauth", "[smtp.sendgrid.net]:465 password"}},
		{"SendGrid by password, then m365", []config.Hop{hop(t, "sendgrid", 587, "apikey"), signedIn(t, "app@contoso.example")}, "sendgrid-hops", "relayhost-sendgrid-hops-out",
			[]string{"[smtp.sendgrid.net]:587 password", "[smtp.office365.com]:587 oauth"}},
		{"SES, then the API of SendGrid", []config.Hop{hop(t, "ses", 587, "AKIA"), byKey(t, "sendgrid")}, "ses-hops", "relayhost-ses-hops-out",
			[]string{"[email-smtp.eu-west-1.amazonaws.com]:587 password", "sendgrid key"}},
		{"the API of SendGrid, then SES", []config.Hop{byKey(t, "sendgrid"), hop(t, "ses", 587, "AKIA")}, "sendgrid-https", "relayhost-sendgrid-https-out",
			[]string{"sendgrid key", "[email-smtp.eu-west-1.amazonaws.com]:587 password"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := debian(t)
			c := routed(row.hops[0])
			c.Routes[0].Hops = row.hops
			p := bridged(t, s, c)
			got, err := conf.Parse(file(t, p, conf.ConfigPath(conf.Directory, row.conf)).After)
			if err != nil {
				t.Fatal(err)
			}
			var ways []string
			for n, h := range got.Hops() {
				if h.Number != n || !h.Walk {
					t.Errorf("hop %d: got number %d, walked %t, want %d, true", n, h.Number, h.Walk, n)
				}
				ways = append(ways, way(h))
				for _, f := range h.Filters {
					if _, err := regexp.Compile("(?i)" + f.Match); err != nil {
						t.Errorf("filter of hop %d: got the error %v, want none", n, err)
					}
				}
				if (len(h.Filters) > 0) != (h.API == nil) {
					t.Errorf("hop %d: got %d filters, want some: %t", n, len(h.Filters), h.API == nil)
				}
			}
			if !slices.Equal(ways, row.want) {
				t.Errorf("hops: got %v, want %v", ways, row.want)
			}
			for _, f := range p.Files {
				if f.Path != conf.ConfigPath(conf.Directory, row.conf) && (bytes.Contains(f.After, []byte(row.hops[0].Password.Reveal())) && !row.hops[0].Password.IsZero() || bytes.Contains(f.After, []byte("Gehe1m"))) {
					t.Errorf("%s: got a secret in it, want none", f.Path)
				}
			}
			master := string(file(t, p, masterPath).After)
			if !strings.Contains(master, row.out) || strings.Contains(master, "smtp_fallback_relay") {
				t.Errorf("master.cf: got\n%s\nwant %s and no fallback of smtp(8)", master, row.out)
			}
			s.apply(p)
			if again := bridged(t, s, c); again.Changed() {
				t.Errorf("second plan: got changes, want none:\n%s", shown(again))
			}
			staged := postfix.Staged{State: s.state(t), Defaults: map[string]string{}}
			for _, w := range p.Routes {
				staged.Meant = append(staged.Meant, w.Staged())
			}
			for _, f := range postfix.Check(staged) {
				if f.Severity == lint.Error {
					t.Errorf("got %v, want no problem", f)
				}
			}
			for _, h := range row.hops {
				if h.Bridged() {
					if _, ok := plan.StoredAccounts(s.state(t)).BridgeHop(h); !ok {
						t.Errorf("%s: got no stored hop, want one", h.NextHop())
					}
					continue
				}
				user, password, ok := plan.Credentials(s.state(t), h.NextHop())
				if !ok || user != h.Username || password.Reveal() != h.Password.Reveal() {
					t.Errorf("%s: got account %q, %t, want %q with its password", h.NextHop(), user, ok, h.Username)
				}
			}
			// Back to the password alone nothing of the bridge stays.
			back := bridged(t, s, routed(hop(t, "ses", 587, "AKIA")))
			if got := file(t, back, conf.ConfigPath(conf.Directory, row.conf)).Action; got != plan.Remove {
				t.Errorf("configuration of the bridge: got %q, want it removed", got)
			}
		})
	}
}

// way is a hop of a bridge in words.
func way(h conf.Config) string {
	if h.API != nil {
		return h.API.ID + " key"
	}
	in := "password"
	if h.OAuth != nil {
		in = "oauth"
	}
	return config.Hop{Host: h.Host, Port: h.Port}.NextHop() + " " + in
}

// TestBridgeWalkLevel: the rehearsal of a later hop goes by the same service and bridge,
// with that hop alone, whose token has the place that it has in the route.
func TestBridgeWalkLevel(t *testing.T) {
	c := routed(hop(t, "sendgrid", 587, "apikey"))
	c.Routes[0].Hops = append(c.Routes[0].Hops, signedIn(t, "app@contoso.example"))
	for level, want := range []string{"sendgrid-hops", "sendgrid-hops.1"} {
		t.Run(fmt.Sprintf("level %d", level), func(t *testing.T) {
			p := bridged(t, debian(t), c.Level(level))
			list := p.Bridges()
			if len(list) != 1 || list[0].Name != want || list[0].Bridge() != "sendgrid-hops" || p.Default().Service != "relayhost-sendgrid-hops" {
				t.Errorf("level %d: got %+v by %s, want %s alone", level, list, p.Default().Service, want)
			}
		})
	}
	if got, want := conf.TokenPath("/d", conf.HopName("m365"+"_rehearsal", 1)), "/d/m365.state/m365.1.token"; got != want {
		t.Errorf("token of a rehearsal: got %s, want %s", got, want)
	}
}

// TestBridgeWalkFilters: whose fault a refusal of a hop is, the bridge tells by the rules
// that the status filter of a route without one has.
func TestBridgeWalkFilters(t *testing.T) {
	s := debian(t)
	c := routed(signedIn(t, "app@contoso.example"))
	c.Routes[0].Hops = append(c.Routes[0].Hops, hop(t, "sendgrid", 587, "apikey"))
	got, err := conf.Parse(file(t, bridged(t, s, c), conf.ConfigPath(conf.Directory, "m365")).After)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name   string
		hop    int
		logged string
		passes bool
	}{
		{"first hop, another sender", 0, "5.2.252 host smtp.office365.com[bridge] said: 554 5.2.252 SendAsDenied; app@contoso.example not allowed to send as other@contoso.example (in reply to end of DATA command)", true},
		{"first hop, no such recipient", 0, "5.1.10 host smtp.office365.com[bridge] said: 550 5.1.10 RESOLVER.ADR.RecipientNotFound (in reply to RCPT TO command)", false},
		{"first hop, not logged in", 0, "5.7.57 host smtp.office365.com[bridge] said: 530 5.7.57 Client not authenticated to send mail (in reply to MAIL FROM command)", true},
		{"first hop, too large", 0, "5.3.4 host smtp.office365.com[bridge] said: 552 5.3.4 Message size exceeds fixed maximum message size (in reply to MAIL FROM command)", false},
		{"second hop, another sender", 1, "5.0.0 host smtp.sendgrid.net[bridge] said: 550 The from address does not match a verified Sender Identity (in reply to end of DATA command)", true},
		{"second hop, no such recipient", 1, "5.1.1 host smtp.sendgrid.net[bridge] said: 550 5.1.1 no such user (in reply to RCPT TO command)", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			passes := false
			for _, f := range got.Hops()[row.hop].Filters {
				if regexp.MustCompile("(?i)" + f.Match).MatchString(row.logged) {
					passes = !f.Keep
					break
				}
			}
			if passes != row.passes {
				t.Errorf("%s: got passed on %t, want %t", row.logged, passes, row.passes)
			}
		})
	}
}
