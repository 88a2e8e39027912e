package config_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"relayhost/internal/config"
	"relayhost/relays"
)

// byHand is a file with comments in all places that somebody could write them in.
const byHand = `# Mail of shop.example; ask Ann before changing it.
version = 1
from = "app@example.com"   # not noreply@
relay = "ses"
region = "eu-west-1" # the account is in Dublin

# If SES is down:
[[fallback]]
relay = 'sendgrid'
credentials_file = "/root/sendgrid.txt" # chmod 600

[rewrite]
# the web server
"www-data@web1.internal" = "shop@shop.example"

# The shop has its own account.
[[route]]
name = "shop"
senders = [
  "shop.example", # the shop
  "news@example.com",
]
relay = "postmark"

# Tests.
[[route]]
name = "lab"
senders = ["lab.example"]
relay = "smarthost"
host = "mail.lab.example"
port = 465 # implicit TLS
# the end
`

// A file with comments keeps them, and its order, whatever changes in it.
func TestTextKeepsComments(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*config.Config)
		want   func(string) string
	}{
		{"a value, with a comment behind it", func(c *config.Config) { c.First().Region = "us-east-1" },
			replaced(`"eu-west-1" #`, `'us-east-1' #`)},
		{"the sender", func(c *config.Config) { c.Routes[0].From = "b@example.com" },
			replaced(`from = "app@example.com"   #`, `from = 'b@example.com'   #`)},
		{"a key more", func(c *config.Config) { c.RootTo = "ann@example.com" },
			replaced("in Dublin\n", "in Dublin\nroot_to = 'ann@example.com'\n")},
		{"a key less", func(c *config.Config) { c.Routes[0].Hops[1].CredentialsFile = "" },
			replaced("credentials_file = \"/root/sendgrid.txt\" # chmod 600\n", "")},
		{"a list of several lines", func(c *config.Config) { c.Routes[1].Senders = []string{"shop.example"} },
			replaced("[\n  \"shop.example\", # the shop\n  \"news@example.com\",\n]", "['shop.example']")},
		{"a key in quotes", func(c *config.Config) { c.Rewrite = map[string]string{"www-data@web1.internal": "b@shop.example"} },
			replaced(`"shop@shop.example"`, `'b@shop.example'`)},
		{"a route less", func(c *config.Config) { c.Routes = slices.Delete(c.Routes, 1, 2) },
			cut("# The shop has its own account.\n", "relay = \"postmark\"\n")},
		{"a table less", func(c *config.Config) { c.Rewrite = nil },
			cut("[rewrite]\n", "\"shop@shop.example\"\n")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := read(t, byHand).Clone()
			tt.change(&c)
			text, err := c.Text([]byte(byHand))
			if err != nil {
				t.Fatal(err)
			}
			if want := tt.want(byHand); string(text) != want {
				t.Errorf("got\n%s\nwant\n%s", text, want)
			}
			if got := read(t, string(text)); !got.Says(c) {
				t.Errorf("got\n%s\nwant a file that says the same as the changed configuration", text)
			}
		})
	}
}

func replaced(old, with string) func(string) string {
	return func(s string) string { return strings.Replace(s, old, with, 1) }
}

func cut(from, to string) func(string) string {
	return func(s string) string {
		before, rest, _ := strings.Cut(s, from)
		_, after, _ := strings.Cut(rest, to)
		return before + after
	}
}

// What is added has its place: a fallback of a route stands right after that route.
func TestTextAddsTables(t *testing.T) {
	c := read(t, byHand).Clone()
	c.Routes[1].Hops = append(c.Routes[1].Hops, c.Routes[0].Hops[1])
	c.Routes = append(c.Routes, config.Route{Name: "more", Senders: []string{"more.example"}, Hops: []config.Hop{c.Routes[0].Hops[1]}})
	text, err := c.Text([]byte(byHand))
	if err != nil {
		t.Fatal(err)
	}
	got := string(text)
	if again := read(t, got); !again.Says(c) {
		t.Errorf("got\n%s\nwant a file that says the same as the changed configuration", got)
	}
	for line := range strings.Lines(byHand) {
		if !strings.Contains(got, line) {
			t.Errorf("got\n%s\nwant %q in it", got, line)
		}
	}
	shop, fallback, lab, more := strings.Index(got, `name = "shop"`), strings.Index(got, "[[route.fallback]]"), strings.Index(got, `name = "lab"`), strings.Index(got, "name = 'more'")
	if shop < 0 || shop > fallback || fallback > lab || lab > more {
		t.Errorf("got shop at %d, its fallback at %d, lab at %d, more at %d, want this order:\n%s", shop, fallback, lab, more, got)
	}
}

// Many routes that get a fallback each have it right after them.
func TestTextAddsFallbacks(t *testing.T) {
	var b strings.Builder
	b.WriteString("version = 1 # by hand\nfrom = \"app@example.com\"\nrelay = \"ses\"\nregion = \"eu-west-1\"\n")
	const n = 200
	for i := range n {
		fmt.Fprintf(&b, "\n[[route]]\nname = \"r%d\"\nsenders = [\"r%d.example\"]\nrelay = \"postmark\"\n", i, i)
	}
	c := read(t, b.String()).Clone()
	for i := range c.Routes[1:] {
		fallback := config.Hop{Relay: &relays.Relay{ID: "sendgrid"}, CredentialsFile: fmt.Sprintf("/root/%d.txt", i)}
		c.Routes[i+1].Hops = append(c.Routes[i+1].Hops, fallback)
	}
	text, err := c.Text([]byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	if again := read(t, string(text)); !again.Says(c) || !strings.Contains(string(text), "# by hand") {
		t.Errorf("got\n%.1000s\nwant a file that says the same as the changed configuration, and the comment", text)
	}
}

// A file without an end of its last line, and one with a form that is not understood.
func TestTextOfOddFiles(t *testing.T) {
	for _, tt := range []struct{ name, text, keeps string }{
		{"no end of line", "version = 1 # kept\nrelay = \"ses\"\nregion = \"eu-west-1\"\nfrom = \"a@b.example\"", "# kept\n"},
		{"CRLF", "version = 1 # kept\r\nrelay = \"ses\"\r\nregion = \"eu-west-1\"\r\nfrom = \"a@b.example\"\r\n", "# kept\r\n"},
		{"a dotted key", "version = 1 # lost\nrelay = \"ses\"\nregion = \"eu-west-1\"\nfrom = \"a@b.example\"\nrewrite.\"x@y\" = \"a@b.example\"\n", ""},
		{"an inline table", "version = 1 # lost\nrelay = \"ses\"\nregion = \"eu-west-1\"\nfrom = \"a@b.example\"\nrewrite = {\"x@y\" = \"a@b.example\"}\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := read(t, tt.text).Clone()
			c.RootTo = "ann@example.com"
			c.First().Region = "us-east-1"
			text, err := c.Text([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if got := read(t, string(text)); !got.Says(c) || !strings.Contains(string(text), tt.keeps) {
				t.Errorf("got\n%s\nwant a file that says it, with %q", text, tt.keeps)
			}
		})
	}
}
