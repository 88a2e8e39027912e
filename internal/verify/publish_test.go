package verify

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"relayhost/internal/config"
	"relayhost/internal/mailaddr"
	"relayhost/internal/resolve"
	"relayhost/relays"
)

// records are the TXT records of a DNS that has nothing else.
type records map[string]string

func (r records) TXT(_ context.Context, name string) ([]string, error) {
	if text, ok := r[name]; ok {
		return []string{text}, nil
	}
	return nil, resolve.ErrNotFound
}
func (records) Addrs(context.Context, string) (v4, v6 []netip.Addr, err error) {
	return nil, nil, resolve.ErrNotFound
}
func (records) MX(context.Context, string) ([]resolve.MX, error) { return nil, resolve.ErrNotFound }
func (records) CNAME(context.Context, string) (string, error)    { return "", resolve.ErrNotFound }
func (records) PTR(context.Context, netip.Addr) ([]string, error) {
	return nil, resolve.ErrNotFound
}

// Defects that the first newcomers met, by the test of the right behaviour.
var _ = map[string]func(*testing.T){
	"D3: records to be published in domains of public mail services, or where they are": TestMissingRecords,
	"D12: DNS records of the default route alone":                                       TestMissingRecords,
	"D15: a smarthost's bounce domain is taken for known":                               TestSmarthostBounces,
}

// Only records that DNS does not have are listed, and none for a domain of a public
// mail service, a smarthost, or a relay that needs none.
func TestMissingRecords(t *testing.T) {
	relay := func(id string) *relays.Relay {
		r, err := relays.Get(id)
		if err != nil {
			t.Fatal(err)
		}
		return &r
	}
	for _, test := range []struct {
		name, from string
		relay      *relays.Relay
		dns        records
		want, not  string
	}{
		{"none there", "a@example.com", relay("mailgun"), nil, "TXT example.com: v=spf1 include:mailgun.org ~all", "replaces"},
		{"another there", "a@example.com", relay("mailgun"), records{"example.com": "v=spf1 mx -all"}, "TXT example.com (replaces the SPF record that is there): v=spf1 mx include:mailgun.org -all", ""},
		{"there already", "a@example.com", relay("mailgun"), records{"example.com": "v=spf1 include:mailgun.org -all", "mailgun.org": "v=spf1 ip4:192.0.2.0/24 ~all"}, "", "TXT example"},
		{"public mail", "jane@gmail.com", relay("gmail"), nil, "", "gmail.com"},
		{"SES needs none", "a@example.com", relay("ses"), nil, "", "spf1"},
		{"a selector that differs by account", "a@example.com", relay("postmark"), nil, "", "<timestamp>"},
		{"DKIM by name, for this domain", "a@shop.example.com", relay("brevo"), nil, "CNAME brevo1._domainkey.shop.example.com: b1.shop-example-com.dkim.brevo.com", "<"},
		{"DKIM of a mailbox provider", "a@example.com", relay("fastmail"), nil, "CNAME fm1._domainkey.example.com: fm1.example.com.dkim.fmhosted.com", "<"},
		{"bounces: no SPF record", "a@example.com", relay("resend"), records{"example.com": "v=spf1 include:amazonses.com -all"}, "TXT send.example.com (unless your account has another name for bounces): v=spf1 include:amazonses.com ~all", ""},
		{"bounces: SPF there", "a@example.com", relay("resend"), records{"send.example.com": "v=spf1 include:amazonses.com ~all", "amazonses.com": "v=spf1 ip4:192.0.2.0/24 ~all"}, "MX send.example.com (unless your account has another name for bounces): 10 feedback-smtp.<region>.amazonses.com", "TXT send"},
		{"tracking and an MX of the domain are not asked for", "a@example.com", relay("scaleway"), nil, "", "MX"},
		{"a smarthost", "a@example.com", relays.Smarthost("mail.corp.example", 587, relays.StartTLS, true), nil, "", "TXT"},
		{"no policy", "a@news.example.com", relay("ses"), nil, "Gmail, Yahoo and Outlook.com require a DMARC record of bulk senders:\n    TXT _dmarc.news.example.com: v=DMARC1; p=none\n", "rua"},
		{"no policy, and the relay asks for one", "a@example.com", relay("brevo"), nil, "Brevo (Sendinblue) asks for a DMARC record:\n    TXT _dmarc.example.com: v=DMARC1; p=none; rua=mailto:rua@dmarc.brevo.com\n", "<policy>"},
		{"the relay asks for one of any kind", "a@example.com", relay("scaleway"), nil, "asks for a DMARC record:\n    TXT _dmarc.example.com: v=DMARC1; p=none\n", "<policy>"},
		{"a policy there", "a@example.com", relay("ses"), records{"_dmarc.example.com": "v=DMARC1; p=reject"}, "", "TXT"},
		{"a policy of the organization", "a@news.example.com", relay("ses"), records{"_dmarc.example.com": "v=DMARC1; p=reject"}, "", "TXT"},
		{"a policy that is not valid is not joined by a second", "a@example.com", relay("ses"), records{"_dmarc.example.com": "v=DMARC1"}, "", "TXT"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := config.New()
			c.Routes[0].From = test.from
			c.First().Relay = test.relay
			got := strings.Join(MissingRecords(t.Context(), c, test.dns), "\n") + "\n"
			if !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q in it", got, test.want)
			}
			if test.not != "" && strings.Contains(got, test.not) {
				t.Errorf("got %q, want no %q in it", got, test.not)
			}
			// What setup lists, verify's remedy names, and the other way round.
			f := Domain{Resolver: test.dns, Name: mailaddr.Domain(test.from), Relay: *test.relay}.DMARC(t.Context())
			_, remedy, _ := strings.Cut(f.Remedy, "the TXT record at _dmarc.")
			listed := strings.Contains(got, "TXT _dmarc.")
			if advised := f.Cause == "dmarc_missing" && !mailaddr.IsPublic(mailaddr.Domain(test.from)); advised != listed || listed && !strings.Contains(got, remedy) {
				t.Errorf("setup lists %q, verify says %+v, want the same advice", got, f)
			}
		})
	}
	t.Run("a domain of two routes gets one policy", func(t *testing.T) {
		c := config.New()
		c.Routes[0].From = "a@example.com"
		c.First().Relay = relay("mailgun")
		c.Routes = append(c.Routes, config.Route{Name: "shop", From: "b@Example.com", Hops: []config.Hop{{Relay: relay("brevo")}}})
		got := strings.Join(MissingRecords(t.Context(), c, records{}), "\n")
		if n := strings.Count(got, "TXT _dmarc."); n != 1 || !strings.Contains(got, "rua@dmarc.brevo.com") {
			t.Errorf("got %d policies in %q, want 1, with the address that Brevo asks for", n, got)
		}
	})
	t.Run("every route", func(t *testing.T) {
		c := config.New()
		c.Routes[0].From = "a@example.com"
		c.First().Relay = relay("mailgun")
		c.Routes = append(c.Routes, config.Route{Name: "shop", From: "b@shop.example", Hops: []config.Hop{{Relay: relay("sendgrid")}, {Relay: relay("mailgun")}}})
		got := strings.Join(MissingRecords(t.Context(), c, records{}), "\n")
		if !strings.Contains(got, "TXT example.com:") || !strings.Contains(got, "shop.example") {
			t.Errorf("got %q, want both domains", got)
		}
	})
}

// A prediction is made where DNS shows it, and none where something is not known.
func TestPredictions(t *testing.T) {
	relay := func(id string) *relays.Relay {
		r, err := relays.Get(id)
		if err != nil {
			t.Fatal(err)
		}
		return &r
	}
	key := records{"brevo1._domainkey.example.com": "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC"}
	spf := records{"example.com": "v=spf1 include:mailgun.org -all", "mailgun.org": "v=spf1 ip4:192.0.2.0/24 ~all"}
	for _, test := range []struct {
		name, from string
		relay      *relays.Relay
		dns        records
		want       string
	}{
		{"by DKIM", "a@example.com", relay("brevo"), key, "DMARC: mail from example.com should pass by DKIM"},
		{"by SPF only", "a@example.com", relay("mailgun"), spf, "can pass by SPF only"},
		{"no policy", "a@example.com", relay("brevo"), records{}, "DMARC: example.com has neither a policy nor a DKIM record"},
		{"fails", "a@example.com", relay("brevo"), records{"_dmarc.example.com": "v=DMARC1; p=none"}, "will probably fail until its DKIM record is published"},
		{"fails under a policy", "a@example.com", relay("brevo"), records{"_dmarc.example.com": "v=DMARC1; p=reject"}, "published (its policy is reject)"},
		{"under the organization's policy", "a@news.example.com", relay("brevo"), records{"_dmarc.example.com": "v=DMARC1; p=reject"}, "published (its policy is reject)"},
		{"under its policy for names below", "a@news.example.com", relay("brevo"), records{"_dmarc.example.com": "v=DMARC1; p=none; sp=quarantine"}, "published (its policy is quarantine)"},
		{"selector not known", "a@example.com", relay("postmark"), records{}, ""},
		{"public mail", "jane@gmail.com", relay("gmail"), records{}, ""},
		{"smarthost", "a@example.com", relays.Smarthost("mail.corp.example", 587, relays.StartTLS, true), records{}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := config.New()
			c.Routes[0].From = test.from
			c.First().Relay = test.relay
			got := strings.Join(Predictions(t.Context(), c, test.dns), "; ")
			if !strings.Contains(got, test.want) || test.want == "" && got != "" {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// Of a domain of a public mail service no record is asked for (newcomers were told to
// publish records in gmail.com).
func TestPublicMailHasNoRecords(t *testing.T) {
	c := &routeCheck{run: &run{Env: Env{Resolver: records{}}}, route: Route{From: "jane@gmail.com", Hops: []Hop{{Hop: config.Hop{Relay: &relays.Relay{}}}}}}
	for _, f := range c.domain(t.Context()) {
		if f.Result != Skip {
			t.Errorf("got %+v, want it skipped", f)
		}
	}
}

// Of a smarthost's bounce address nothing is known.
func TestSmarthostBounces(t *testing.T) {
	d := Domain{Resolver: records{}, Name: "example.com", Relay: *relays.Smarthost("mail.corp.example", 587, relays.StartTLS, true)}
	f := d.SPF(t.Context())
	if f.Result != Skip || !strings.Contains(f.Detail, "not known here") || strings.Contains(f.Detail, "needs none") {
		t.Errorf("got %+v, want it skipped as not known", f)
	}
}
