package relays

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestHost(t *testing.T) {
	const vpce = "vpce-0123abcd-4567efgh.email-smtp.eu-west-1.vpce.amazonaws.com"
	for _, tt := range []struct{ relay, region, host, err string }{
		{"ses", "eu-west-1", "email-smtp.eu-west-1.amazonaws.com", ""},
		{"ses", " EU-West-1 ", "email-smtp.eu-west-1.amazonaws.com", ""},
		{"ses", "us-gov-west-1", "email-smtp.us-gov-west-1.amazonaws.com", ""},
		{"ses", "xx-newest-9", "email-smtp.xx-newest-9.amazonaws.com", ""}, // by its form only
		{"ses", "email-smtp-fips.us-east-1.amazonaws.com", "email-smtp-fips.us-east-1.amazonaws.com", ""},
		{"ses", vpce, vpce, ""},
		{"ses", "", "", "Amazon SES needs a region: a region such as eu-west-1"},
		{"ses", "europe", "", `has no region "europe"`},
		{"ses", "eu-west-1.evil.example", "", "has no region"},
		{"ses", "eu-west-1\nx", "", "has no region"},
		{"sendgrid", "", "smtp.sendgrid.net", ""},
		{"sendgrid", "eu", "smtp.eu.sendgrid.net", ""},
		{"mailgun", "eu", "smtp.eu.mailgun.org", ""},
		{"mailgun", "asia", "", "one of eu, us"},
		{"brevo", "", "smtp-relay.brevo.com", ""},
		{"brevo", "eu", "", "has no regions"},
		{"brevo", "smtp-relay.sendinblue.com", "smtp-relay.sendinblue.com", ""},
		{"oci", "uk-london-1", "smtp.email.uk-london-1.oci.oraclecloud.com", ""},
		{"ovh", "ex4.mail.ovh.net", "ex4.mail.ovh.net", ""},
		{"alibaba", "", "", "one of frankfurt, hangzhou, singapore, us-virginia"},
		{"alibaba", "singapore", "smtpdm-ap-southeast-1.aliyuncs.com", ""},
	} {
		t.Run(tt.relay+" "+tt.region, func(t *testing.T) {
			r, err := Get(tt.relay)
			if err != nil {
				t.Fatal(err)
			}
			host, err := r.Host(tt.region)
			switch {
			case host != tt.host:
				t.Errorf("got %q, %v, want %q", host, err, tt.host)
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
				t.Errorf("got the error %v, want one with %q", err, tt.err)
			}
		})
	}
}

func TestByHost(t *testing.T) {
	for _, tt := range []struct{ host, id, region string }{
		{"[email-smtp.us-west-2.amazonaws.com]", "ses", "us-west-2"},
		{"smtp.eu.mailgun.org.", "mailgun", "eu"},
		{"SMTP.sendgrid.net", "sendgrid", ""},
		{"smtp-relay.sendinblue.com", "brevo", "smtp-relay.sendinblue.com"},
		{"smtp.tem.scw.cloud", "scaleway", "smtp.tem.scw.cloud"},
		{"smtp.gmail.com", "gmail", ""},
		{"smtp-relay.gmail.com", "gmail-relay", ""},
		{"pro1.mail.ovh.net", "ovh", "pro1.mail.ovh.net"},
		{"email-smtp-fips.us-east-1.amazonaws.com", "ses", "email-smtp-fips.us-east-1.amazonaws.com"},
		{"mail.example.com", "", ""},
	} {
		t.Run(tt.host, func(t *testing.T) {
			r, region, ok := ByHost(catalog(t), tt.host)
			if r.ID != tt.id || region != tt.region || ok != (tt.id != "") {
				t.Errorf("got %q %q %v, want %q %q", r.ID, region, ok, tt.id, tt.region)
			}
			if again, err := r.Host(region); ok && (err != nil || again != strings.ToLower(strings.Trim(tt.host, "[]."))) {
				t.Errorf("Host(%q): got %q, %v, want %q", region, again, err, strings.ToLower(strings.Trim(tt.host, "[].")))
			}
		})
	}
}

// Every host name of the catalogue leads back to its own service only.
func TestHostsBelongToOneService(t *testing.T) {
	all, count := catalog(t), 0
	for _, r := range all {
		for _, host := range r.Hosts.all() {
			host = strings.Replace(host, "<region>", r.Hosts.Example, 1)
			for _, other := range all {
				if other.Hosts.knows(host) != (other.ID == r.ID) {
					t.Errorf("%s of %s: got it known to %s: %v, want %v", host, r.ID, other.ID, other.Hosts.knows(host), other.ID == r.ID)
				}
				count++
			}
		}
	}
	if count < 90*90 {
		t.Errorf("got %d pairs tried, want at least %d", count, 90*90)
	}
}

func TestPortOrder(t *testing.T) {
	for id, want := range map[string][]int{
		"ses":          {587, 465, 2587, 2465},
		"sendgrid":     {587, 465, 2525},
		"mailgun":      {587, 465, 2525},
		"postmark":     {587, 2525},
		"brevo":        {587, 465, 2525},
		"m365":         {587},
		"yahoo":        {465, 587},
		"oci":          {465, 587},
		"alibaba":      {465, 80},
		"mailtrap":     {587, 465, 2525},
		"cloudflare":   {465},
		"fastmail":     {465, 587},
		"smtp2go":      {587, 465, 2525, 8025, 8465, 443, 80},
		"elasticemail": {2525, 587, 465},
		"scaleway":     {587, 465, 2587, 2465},
	} {
		t.Run(id, func(t *testing.T) {
			r, err := Get(id)
			if err != nil {
				t.Fatal(err)
			}
			if got := r.PortOrder(); !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
	for _, r := range catalog(t) {
		if slices.Contains(r.PortOrder(), 25) {
			t.Errorf("%s: got ports %v to try, want no 25 in them", r.ID, r.PortOrder())
		}
	}
}

func TestTLSOf(t *testing.T) {
	for _, r := range catalog(t) {
		for _, p := range []int{465, 2465, 8465, 443} {
			if mode, ok := r.TLSOf(p); ok && mode == StartTLS {
				t.Errorf("%s: got %s on port %d, want another mode or no such port", r.ID, mode, p)
			}
		}
		for _, p := range []int{25, 587, 2525, 2587} {
			if mode, ok := r.TLSOf(p); ok && mode != StartTLS {
				t.Errorf("%s: got %s on %d, want %s", r.ID, mode, p, StartTLS)
			}
		}
	}
	postmark, _ := Get("postmark")
	if _, ok := postmark.TLSOf(465); ok {
		t.Error("postmark: got a port 465, want none")
	}
}

func TestSmarthost(t *testing.T) {
	r := Smarthost("mail.example.com", 587, StartTLS, true)
	if host, err := r.Host(""); err != nil || host != "mail.example.com" {
		t.Errorf("got %q, %v, want %q", host, err, "mail.example.com")
	}
	if problems := validate(*r); len(problems) > 0 {
		t.Errorf("validate: got %v, want no problem", problems)
	}
	if got := r.CheckCredentials("", ""); len(got) != 2 {
		t.Errorf("empty credentials: got %v, want 2 problems", got)
	}
	if got := r.CheckCredentials("relay@example.com", "a b:c$d#e"); len(got) != 0 {
		t.Errorf("good credentials: got %v, want no problem", got)
	}
	open := Smarthost("192.0.2.25", 25, StartTLS, false)
	if got := open.CheckCredentials("", ""); len(got) != 0 || !slices.Equal(open.Order, []int{25}) {
		t.Errorf("without a password: %v, order %v, want %v", got, open.Order, []int{25})
	}
	if got, ok := open.MatchReply("554 5.7.1 <a@b.example>: Relay access denied"); !ok || !got.Inherited {
		t.Errorf("got %v (%v), want an inherited reply", got, ok)
	}
}

func TestRegionOf(t *testing.T) {
	ses, err := Get("ses")
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]string{
		"email-smtp.eu-west-1.amazonaws.com":                                        "eu-west-1",
		"email-smtp-fips.us-gov-west-1.amazonaws.com":                               "us-gov-west-1",
		"vpce-0123abcd-4567efgh.email-smtp.eu-west-3.vpce.amazonaws.com":            "eu-west-3",
		"vpce-0123abcd-4567efgh-eu-west-3a.email-smtp.eu-west-3.vpce.amazonaws.com": "eu-west-3",
		"email-smtp.eu-west-1.amazonaws.com.evil.example":                           "",
		"smtp.example.com": "",
	} {
		t.Run(host, func(t *testing.T) {
			if got, ok := ses.Hosts.RegionOf(host); got != want || ok != (want != "") {
				t.Errorf("got %q %v, want %q", got, ok, want)
			}
		})
	}
}

func TestUsualTLS(t *testing.T) {
	for port, want := range map[int]TLSMode{465: Implicit, 2465: Implicit, 8465: Implicit, 587: StartTLS, 25: StartTLS, 2525: StartTLS, 2587: StartTLS} {
		t.Run(fmt.Sprintf("port %d", port), func(t *testing.T) {
			if got := UsualTLS(port); got != want {
				t.Errorf("port %d: %s, want %s", port, got, want)
			}
		})
	}
}
