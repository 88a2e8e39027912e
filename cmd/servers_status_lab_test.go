//go:build lab

package cmd_test

import (
	"slices"
	"strings"
	"testing"

	"relayhost/internal/lab"
)

// TestLabStatusOfOthers: status counts a relay that somebody else has set up, also
// where relayhost = says nothing of it.
func TestLabStatusOfOthers(t *testing.T) {
	t.Parallel()
	s := newLab(t, lab.NoLog()).Server
	type status struct {
		NextHop    string `json:"next_hop"`
		Service    string
		Senders    []string
		Configured bool
	}
	for _, test := range []struct {
		name, set, undo string
		want            status
		says            string
	}{
		{"transport_maps with *", `echo '* smtp:[smtp.isp.example]:587' >/etc/postfix/t; postmap hash:/etc/postfix/t; postconf -e 'transport_maps = hash:/etc/postfix/t'`, "transport_maps",
			status{NextHop: "[smtp.isp.example]:587", Service: "smtp"}, "through [smtp.isp.example]:587 by the service smtp"},
		{"relays by sender", `echo '@shop.example [smtp.shop.example]:587' >/etc/postfix/t; postmap hash:/etc/postfix/t; postconf -e 'sender_dependent_relayhost_maps = hash:/etc/postfix/t'`,
			"sender_dependent_relayhost_maps", status{NextHop: "[smtp.shop.example]:587", Service: "smtp", Senders: []string{"@shop.example"}},
			"from @shop.example through [smtp.shop.example]:587"},
		{"services by sender", `postconf -M 'shop/unix=shop unix - - n - - smtp'; postconf -e 'sender_dependent_default_transport_maps = inline:{ {@shop.example = shop:[smtp.shop.example]:587} }'`,
			"sender_dependent_default_transport_maps", status{NextHop: "[smtp.shop.example]:587", Service: "shop", Senders: []string{"@shop.example"}},
			"all other mail directly"},
		{"no relay", "true", "relayhost", status{Service: "smtp"}, "directly to the recipients' servers"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s.Shell(test.set)
			defer s.Shell("postconf -X " + test.undo + " || true")
			got := decode[status](t, s.Run("relayhost", "status", "--json"))
			if got.NextHop != test.want.NextHop || got.Service != test.want.Service || !slices.Equal(got.Senders, test.want.Senders) || got.Configured {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			if text := s.Run("relayhost", "status").Stdout; !strings.Contains(text, test.says) {
				t.Errorf("status: want %q in\n%s", test.says, text)
			}
		})
	}
}

// TestLabFindingsAgree: what setup names before it starts anything, verify and explain
// name as well, with the same remedy.
func TestLabFindingsAgree(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Relay("sendgrid"))
	s := l.Server
	credentials(l, "sendgrid", "")
	is := func(got, wants string) bool { return slices.Contains(strings.Split(wants, "|"), got) }
	for _, test := range []struct{ name, set, cause, text, command string }{
		// verify knows the line of main.cf, and comments it out.
		{"boolean", "postconf -e 'append_dot_mydomain = gitlab.localhost'", "value_not_boolean",
			`append_dot_mydomain: "gitlab.localhost" is not yes or no`, "postconf -X append_dot_mydomain|postconf -# append_dot_mydomain && postfix reload"},
		{"never compiled", "echo 'x.example OK' >/etc/postfix/relay; postconf -X append_dot_mydomain; postconf -e 'relay_domains = hash:/etc/postfix/relay'", "map_db_missing",
			"/etc/postfix/relay.db does not exist: the table was never compiled", "postmap hash:/etc/postfix/relay"},
		{"type without its package", "postconf -X relay_domains; echo '/x/ IGNORE' >/etc/postfix/checks; postconf -e 'smtp_header_checks = pcre:/etc/postfix/checks'", "map_type_unsupported",
			"this Postfix has no tables of the type pcre", "apt-get install postfix-pcre"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s.Shell(test.set)
			setup := decode[flowDoc](t, s.Do(lab.Command{Args: append(setupArgs(five[1]), "--no-probe", "--port", "587", "--dry-run")}))
			if !strings.Contains(setup.Error, test.text) || !slices.ContainsFunc(strings.Split(test.command, "|"), func(c string) bool { return strings.Contains(setup.Hint, c) }) {
				t.Errorf("setup: got error %q, hint %q, want %q and %q", setup.Error, setup.Hint, test.text, test.command)
			}
			type finding struct{ Cause, Detail, Remedy, Command string }
			verify := decode[struct{ Findings []finding }](t, s.Do(lab.Command{Args: []string{"relayhost", "verify", "--offline", "--json"}}))
			if !slices.ContainsFunc(verify.Findings, func(f finding) bool {
				return is(f.Cause, test.cause) && is(f.Command, test.command)
			}) {
				t.Errorf("verify: got %+v, want the cause %s with %q", verify.Findings, test.cause, test.command)
			}
			type group struct {
				Cause struct{ ID, Title, Command string }
			}
			explain := decode[struct{ Groups []group }](t, s.Do(lab.Command{Args: []string{"relayhost", "explain", "--json"}}))
			if !slices.ContainsFunc(explain.Groups, func(g group) bool {
				return is(g.Cause.ID, test.cause) && strings.Contains(g.Cause.Title, test.text) && is(g.Cause.Command, test.command)
			}) {
				t.Errorf("explain: got %+v, want the cause %s: %s", explain.Groups, test.cause, test.text)
			}
		})
	}
}
