package config_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"relayhost/internal/config"
	"relayhost/relays"
)

const severalRelays = `# kept
version = 1
relay = "ses"
region = "eu-west-1"
from = "app@example.com"
credentials_file = "/root/ses.txt"

[[fallback]]
relay = "sendgrid"
credentials_file = "/root/sendgrid.txt"

[[fallback]]
port = 2587

[rewrite]
"www-data@web1.internal" = "shop@shop.example"
"@web2" = "shop@shop.example"

[[route]]
name = "shop"
senders = ["shop.example", ".shop.example",
  "news@example.com", "<>"]
relay = "postmark"

[[route.fallback]]
port = 2525

[[route]]
name = "lab"
senders = ["lab.example"]
relay = "smarthost"
host = "mail.lab.example"
port = 465
`

func read(t *testing.T, text string) config.Config {
	t.Helper()
	c, err := config.Read([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func resolved(t *testing.T, text string, inUse ...string) (config.Config, error) {
	t.Helper()
	return read(t, text).Resolve(relays.Get, inUse)
}

// hops prints the routes of c, one a line.
func hops(c config.Config) string {
	var b strings.Builder
	for _, r := range c.Routes {
		fmt.Fprintf(&b, "%s %q from %s:", r.Name, r.Senders, r.From)
		for _, h := range r.Hops {
			fmt.Fprintf(&b, " %s=%s/%s,%s", h.Relay.ID, h.NextHop(), h.TLS, h.CredentialsFile)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestResolve(t *testing.T) {
	inUse := []string{"[email-smtp.eu-west-1.amazonaws.com]:587", "#", "[email-smtp.eu-west-1.amazonaws.com]:587",
		"[email-smtp.eu-west-1.amazonaws.com]:2587", "[smtp.postmarkapp.com]:2525", "[smtp.postmarkapp.com]:587"}
	for _, test := range []struct {
		name  string
		inUse []string
		want  string
	}{
		{"nothing in use", nil, `default [] from app@example.com: ses=[email-smtp.eu-west-1.amazonaws.com]:0/,/root/ses.txt sendgrid=[smtp.sendgrid.net]:0/,/root/sendgrid.txt ses=[email-smtp.eu-west-1.amazonaws.com]:2587/starttls,/root/ses.txt
shop ["shop.example" ".shop.example" "news@example.com" "<>"] from news@example.com: postmark=[smtp.postmarkapp.com]:0/, postmark=[smtp.postmarkapp.com]:2525/starttls,
lab ["lab.example"] from postmaster@lab.example: smarthost=[mail.lab.example]:465/implicit,
`},
		{"ports in use", inUse, `default [] from app@example.com: ses=[email-smtp.eu-west-1.amazonaws.com]:587/starttls,/root/ses.txt sendgrid=[smtp.sendgrid.net]:0/,/root/sendgrid.txt ses=[email-smtp.eu-west-1.amazonaws.com]:2587/starttls,/root/ses.txt
shop ["shop.example" ".shop.example" "news@example.com" "<>"] from news@example.com: postmark=[smtp.postmarkapp.com]:587/starttls, postmark=[smtp.postmarkapp.com]:2525/starttls,
lab ["lab.example"] from postmaster@lab.example: smarthost=[mail.lab.example]:465/implicit,
`},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := resolved(t, severalRelays, test.inUse...)
			if err != nil {
				t.Fatal(err)
			}
			if got := hops(c); got != test.want {
				t.Errorf("got\n%swant\n%s", got, test.want)
			}
		})
	}
}

// Each mistake is told with the line that it stands on.
func TestMistakesInTheFile(t *testing.T) {
	const top = "version = 1\nrelay = \"ses\"\nregion = \"eu-west-1\"\nfrom = \"a@b.example\"\n"
	route := func(name, sender string) string {
		return "[[route]]\nname = \"" + name + "\"\nsenders = [\"" + sender + "\"]\nrelay = \"postmark\"\n"
	}
	for _, test := range []struct{ name, text, want string }{
		{"unknown key", top + "pasword = 1\n", "5: unknown key pasword"},
		{"unknown key of a route", top + route("a", "a.example") + "smtp = 1\n", "9: unknown key route.smtp"},
		{"unknown table", top + "[routes]\n", "5: unknown key routes"},
		{"no TOML", top + "relay\n", "5: "},
		{"wrong type", top + "port = \"x\"\n", "5: "},
		{"version", "version = 2\n", "1: version 2"},
		{"no version", "relay = \"ses\"\n", " version = 1 is missing"},
		{"sender in two routes", top + route("a", "a.example") + route("b", "A.example"), "11: sender A.example is in a route already, in line 7"},
		{"sender twice", top + route("a", "a.example\",\n\"b.example\", \"a.example"), "8: sender a.example"},
		{"route twice", top + route("a", "a.example") + route("a", "b.example"), "10: route \"a\" is defined already, in line 6"},
		{"no name", top + route("", "a.example"), "6: a route needs a name"},
		{"name", top + route("A_b", "a.example"), "6: route name \"A_b\""},
		{"default", top + route("default", "a.example"), "6: \"default\" is not free"},
		{"name of a tlsproxy", top + route("a-tls", "a.example"), "6: \"a-tls\" is not free"},
		{"no senders", top + "[[route]]\nname = \"a\"\nrelay = \"ses\"\n", "5: route \"a\" has no senders"},
		{"sender", top + route("a", "a b"), "7: sender \"a b\""},
		{"no relay", top + "[[route]]\nname = \"a\"\nsenders = [\"a.example\"]\n", "5: route \"a\" names no relay"},
		{"port", top + "[[fallback]]\nport = 70000\n", "6: 70000"},
		{"tls", top + "[[fallback]]\nport = 587\ntls = \"may\"\n", "7: tls is"},
		{"empty fallback", top + "[[fallback]]\n", "5: a fallback needs"},
		{"relative path", top + "credentials_file = \"x\"\n", "5: \"x\" is not an absolute path"},
		{"of a fallback of a route", top + route("a", "a.example") + "[[route.fallback]]\nport = 2525\n" + route("b", "b.example") + "[[route.fallback]]\nport = 1\ncredentials_file = \"x\"\n", "17: \"x\""},
		{"inline", top + "fallback = [{port = 2587},\n{port = -1}]\n", "6: -1 is not a port"},
		{"from of another", top + route("a", "a.example") + "from = \"x@b.example\"\n", "9: x@b.example is not one of the senders"},
		{"nothing to prove with", top + route("a", ".a.example"), "7: route \"a\" has no sender address"},
		{"from", "version = 1\nfrom = \"a\"\n", "2: \"a\" is not an address"},
		{"via", top + "via = \"uucp\"\n", "5: via is smtp, smtp-oauth or https, not \"uucp\""},
		{"sign-in without its way", top + "tenant = \"contoso.example\"\n", "5: tenant goes with via = "},
		{"sign-in", top + "via = \"smtp-oauth\"\nsign_in = \"password\"\n", "6: \"password\" is not a way to sign in"},
		{"tenant", top + "via = \"smtp-oauth\"\ntenant = \"a/../b\"\n", "6: the value is not an ID"},
		{"unverified token", top + "via = \"smtp-oauth\"\ninsecure_no_verify_certificate = true\n", "6: a token is sent on verified connections only"},
		{"fallback of a sign-in", top + "via = \"smtp-oauth\"\n[[fallback]]\nport = 2587\ninsecure_no_verify_certificate = true\n", "8: a route with a hop by OAuth or HTTPS uses verified connections only"},
		{"fallback by a sign-in", top + "[[fallback]]\nport = 2587\nvia = \"smtp-oauth\"\nsign_in = \"x\"\n", "8: \"x\" is not a way to sign in"},
		{"rewrite", top + "[rewrite]\n\"a@b\" = \"c@d.example\"\n\"b\" = \"c@d.example\"\n", "7: \"b\" is not a local sender"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := config.Read([]byte(test.text))
			var file *config.FileError
			if !errors.As(err, &file) || !strings.HasPrefix(err.Error(), config.Path+":"+test.want) {
				t.Errorf("got %v, want line %s", err, test.want)
			}
		})
	}
}

// What only the catalogue knows is told with its line as well.
func TestMistakesOfHops(t *testing.T) {
	const top = "version = 1\nrelay = \"ses\"\nregion = \"eu-west-1\"\nfrom = \"a@b.example\"\nport = 587\n"
	for _, test := range []struct{ name, text, want string }{
		{"unknown relay", top + "[[fallback]]\nrelay = \"sengrid\"\n", "7: "},
		{"unknown region", top + "[[fallback]]\nregion = \"Dublin 4\"\n", "7: "},
		{"no such port", top + "[[fallback]]\nport = 2526\n", "7: Amazon SES has no port 2526"},
		{"TLS mode of the port", top + "[[fallback]]\nport = 465\ntls = \"starttls\"\n", "8: port 465"},
		{"TLS modes", top + "[[fallback]]\nport = 465\n", "7: port 465"},
		{"twice", top + "[[fallback]]\nport = 587\n", "7: email-smtp"},
		{"CA files", top + "[[fallback]]\nport = 2587\nca_file = \"/x.pem\"\n", "8: the hops of one route"},
		{"CA file of another service", top + "ca_file = \"/x.pem\"\n[[fallback]]\nrelay = \"sendgrid\"\nport = 587\n", "7: the hops of one route"},
		{"pins", top + "[[fallback]]\nport = 2587\nfingerprint = \"" + strings.Repeat("00", 32) + "\"\n", "8: the hops of one route"},
		{"smarthost", top + "[[route]]\nname = \"a\"\nsenders = [\"a.example\"]\nrelay = \"smarthost\"\n", "9: a smarthost"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := resolved(t, test.text)
			var file *config.FileError
			if !errors.As(err, &file) || !strings.HasPrefix(err.Error(), config.Path+":"+test.want) {
				t.Errorf("got %v, want line %s", err, test.want)
			}
		})
	}
}

// What is written says what was read, whoever leaves out what.
func TestAnswersAreWritten(t *testing.T) {
	c, err := resolved(t, severalRelays, "[email-smtp.eu-west-1.amazonaws.com]:587", "[smtp.sendgrid.net]:587", "[smtp.postmarkapp.com]:587")
	if err != nil {
		t.Fatal(err)
	}
	text, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	again, err := resolved(t, string(text))
	if err != nil {
		t.Fatalf("got %v, want what was written to be read, of\n%s", err, text)
	}
	if hops(again) != hops(c) || fmt.Sprint(again.Rewrite) != fmt.Sprint(c.Rewrite) {
		t.Errorf("got\n%swant\n%sof\n%s", hops(again), hops(c), text)
	}
	if kept, err := c.Text([]byte(severalRelays)); err != nil || string(kept) != severalRelays {
		t.Errorf("Text: got %v and\n%s\nwant the file as it was written by hand", err, kept)
	}
	if hand := read(t, severalRelays); !hand.Says(c) {
		t.Errorf("Says: got false, want true, of\n%s", text)
	}
	for _, tt := range []struct {
		name   string
		change func(*config.Config)
	}{
		{"region", func(c *config.Config) { c.First().Region = "us-east-1" }},
		{"sender", func(c *config.Config) { c.Routes[0].From = "b@example.com" }},
		{"credentials file", func(c *config.Config) { c.First().CredentialsFile = "" }},
		{"port", func(c *config.Config) { c.Routes[0].Hops[2].Port = 25 }},
		{"fewer hops", func(c *config.Config) { c.Routes[0].Hops = c.Routes[0].Hops[:2] }},
		{"fewer senders", func(c *config.Config) { c.Routes[1].Senders = c.Routes[1].Senders[1:] }},
		{"host of a route", func(c *config.Config) { c.Routes[2].Hops[0].Host = "x.example" }},
		{"fewer routes", func(c *config.Config) { c.Routes = c.Routes[:2] }},
		{"no rewriting", func(c *config.Config) { c.Rewrite = nil }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			changed := c.Clone()
			tt.change(&changed)
			if hand := read(t, severalRelays); hand.Says(changed) {
				t.Errorf("Says: got true, want false, of %+v", changed)
			}
		})
	}
}

func TestProofSender(t *testing.T) {
	for _, test := range []struct {
		senders []string
		want    string
	}{
		{[]string{"a.example", "x@b.example"}, "x@b.example"},
		{[]string{".b.example", "a.example"}, "postmaster@a.example"},
		{[]string{".b.example", "<>"}, "postmaster@b.example"},
		{[]string{"<>"}, ""},
	} {
		t.Run(strings.Join(test.senders, " "), func(t *testing.T) {
			if got := config.ProofSender(test.senders); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	senders := []string{"a.example", ".b.example", "x@c.example"}
	for address, want := range map[string]bool{"y@A.example": true, "y@b.example": false, "y@d.b.example": true, "X@c.example": true, "y@c.example": false, "y@za.example": false} {
		t.Run(address, func(t *testing.T) {
			if config.SentBy(senders, address) != want {
				t.Errorf("SentBy(%q, %q): got %v, want %v", senders, address, !want, want)
			}
		})
	}
}

// FuzzReadAnswers: whatever is read can be written and says the same again.
func FuzzReadAnswers(f *testing.F) {
	f.Add(severalRelays)
	f.Add("version = 1\nfallback = [{port = 2587}, {port = -1}]\n")
	f.Add("version = 1\n[[route]]\nname='a'\nrelay='x'\nsenders=['a.b']\n[[route.fallback]]\nport=1\n")
	f.Add("version = 1\n[rewrite]\n'a@b'='c@d.e'\n")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := config.Read([]byte(text))
		if err != nil {
			if !strings.Contains(err.Error(), config.Path) {
				t.Errorf("got the error %v, want %s in it", err, config.Path)
			}
			return
		}
		written, err := a.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		again, err := config.Read(written)
		if err != nil {
			t.Fatalf("got %v, want what was written to be read, of\n%s", err, written)
		}
		if !again.Says(a) || !a.Says(again) {
			t.Errorf("of %q: got\n%s\nwant a file that says the same", text, written)
		}
	})
}

// TestFileMistakes: what would never match, and what an editor has added.
func TestFileMistakes(t *testing.T) {
	const head = "version = 1\nrelay = \"ses\"\n[[route]]\nname = \"shop\"\nrelay = \"brevo\"\n"
	for _, tt := range []struct {
		name, text, want string
	}{
		{"byte order mark", "\ufeff" + head, ":1: the file begins with a byte order mark"},
		{"asterisk", head + `senders = ["shop.example", "*@shop.example"]`, `:6: sender "*@shop.example" is neither`},
		{"localhost", head + `senders = ["localhost"]`, `:6: route "shop" has no sender address to test it with`},
		{"address literal", head + `senders = ["192.0.2.1"]`, `:6: route "shop" has no sender address to test it with`},
		{"subdomains alone", head + `senders = [".example"]`, `:6: route "shop" has no sender address to test it with`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := config.Read([]byte(tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%q: %v, want %s", tt.text, err, tt.want)
			}
		})
	}
	if _, err := config.Read([]byte(head + `senders = ["Shop.example", ".shop.example", "a/b+c@x.example", "intern", "<>"]`)); err != nil {
		t.Error(err)
	}
}

// Normal changes what is not in lower case, and nothing of the Config that it is asked of.
func TestNormal(t *testing.T) {
	c := read(t, "version = 1\nfrom = \"a@b.example\"\nrelay = \"smarthost\"\nhost = \"Mail.B.example\"\nport = 587\n"+
		"[[route]]\nname = \"shop\"\nsenders = [\"news.example\", \"Shop.example\"]\nrelay = \"postmark\"\n")
	n := c.Normal()
	if got, want := n.First().Host, "mail.b.example"; got != want {
		t.Errorf("host: got %q, want %q", got, want)
	}
	if got, want := n.Routes[1].Senders, []string{"news.example", "shop.example"}; !slices.Equal(got, want) {
		t.Errorf("senders: got %q, want %q", got, want)
	}
	if host, sender := c.First().Host, c.Routes[1].Senders[1]; host != "Mail.B.example" || sender != "Shop.example" {
		t.Errorf("the Config itself: got %q and %q, want %q and %q", host, sender, "Mail.B.example", "Shop.example")
	}
}
