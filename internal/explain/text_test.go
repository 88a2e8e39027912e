package explain

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestGroupText(t *testing.T) {
	at := time.Date(2026, 11, 28, 6, 0, 0, 0, time.Local)
	cause := Cause{ID: "auth_535", Title: "The login is wrong", Meaning: "The relay refused it.", Remedy: "Give another password.", Command: "relayhost setup --credentials-file -", Outcome: "deferred", Confirmed: true, Source: "RFC 4954"}
	for _, test := range []struct {
		name    string
		group   Group
		heading string
		want    []Item
	}{
		{"a fault with all its parts", Group{Cause: cause, Count: 2, Delayed: 2, First: at, Last: at.Add(time.Hour), Example: "a line\nand its rest\n",
			Others: []Cause{{ID: "auth_policy", Title: "A policy forbids it"}}, Follows: []Cause{{ID: "queue", Title: "The queue grows"}}},
			"The login is wrong (auth_535)",
			[]Item{
				{"run", "relayhost setup --credentials-file -", true}, {"do", "Give another password.", false}, {"why", "The relay refused it.", false},
				{"mail", "2 delayed: Postfix keeps trying", false}, {"here", "confirmed on this host", false},
				{"or", "A policy forbids it (auth_policy)", false}, {"hence", "The queue grows (queue)", false},
				{"seen", "2 times, 2026-11-28 06:00:00 to 2026-11-28 07:00:00", false},
				{"line", "a line", false}, {"line", "and its rest", false}, {"source", "RFC 4954", false},
			}},
		{"one that is over", Group{Cause: cause, Count: 1, Past: true, Example: "a line"}, "in the past: The login is wrong (auth_535)",
			[]Item{
				{"do", "Nothing: the mail has been sent since, or the fault is gone since Postfix was reloaded.", false},
				{"why", "The relay refused it.", false}, {"mail", "sent since", false}, {"here", "confirmed on this host", false},
				{"line", "a line", false}, {"source", "RFC 4954", false},
			}},
		{"an unknown line", Group{Count: 1, Example: "a line"}, "unknown: no cause is known for this text", []Item{{"line", "a line", false}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.group.Heading(); got != test.heading {
				t.Errorf("heading: got %q, want %q", got, test.heading)
			}
			if diff := cmp.Diff(test.want, test.group.Items()); diff != "" {
				t.Errorf("items (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRest(t *testing.T) {
	for _, test := range []struct {
		name   string
		c      Collector
		groups int
		want   string
	}{
		{"lines that were not understood", Collector{Lines: 3, Unread: 1, Postfix: true}, 1, "3 lines read, 1 not understood: there may be more in them"},
		{"another program's log", Collector{Lines: 3}, 0, "3 lines read, none is of Postfix's log"},
		{"no problem", Collector{Lines: 3, Postfix: true}, 0, "3 lines read, all understood; none tells of a problem"},
		{"all told", Collector{Lines: 3, Postfix: true}, 2, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.c.Rest(test.groups); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// TestUnquote: quoted mail is read like the mail itself, and what a client said is
// left out even where no line of the server stands beside it.
func TestUnquote(t *testing.T) {
	for text, want := range map[string]string{
		"> Diagnostic-Code: smtp; 550 5.1.1 no\n> such user\n": "Diagnostic-Code: smtp; 550 5.1.1 no such user",
		">> > said: 550\n>> >   5.1.1 gone\n":                  "said: 550 5.1.1 gone",
		"> MAIL FROM:<a@example.org>\n< 550 no\n":              "|550 no",
		"> AUTH PLAIN c2VjcmV0\n":                              "",
		"<a@example.net>: host mx.example.net[192.0.2.1] said: 554 5.7.1\nService unavailable; blocked\n\nThe mail": "<a@example.net>: host mx.example.net[192.0.2.1] said: 554 5.7.1 Service unavailable; blocked||The mail",
		"Diagnostic-Code: smtp; 550 5.7.1 The IP\nis blocked\nX-Display-Name: A\n":                                  "Diagnostic-Code: smtp; 550 5.7.1 The IP is blocked|X-Display-Name: A",
		"Error: (535, b'5.7.139 Authentication unsuccessful\nfor the tenant.')\n":                                   "Error: (535, '5.7.139 Authentication unsuccessful for the tenant.')",
		"> c2VjcmV0\n> mail is not sent\n":                                                                          "|",
		">>> MAIL FROM:<a@example.org>\n<<< 550 no\n":                                                               "|550 no",
		"SMTP -> FROM SERVER:550 no\nSMTP -> get_lines(): x\n":                                                      "550 no|",
	} {
		if got := strings.Join(unfold(text), "|"); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
