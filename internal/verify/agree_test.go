package verify

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"relayhost/internal/config"
	"relayhost/internal/explain"
	"relayhost/internal/host"
	"relayhost/internal/lint"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/relays"
)

// agreeing is a sound host whose mail goes by a service of setup.
func agreeing(t *testing.T, params map[string]string, options, passwd string) postfix.State {
	t.Helper()
	all := map[string]string{
		"relayhost": "", "default_transport": "relayhost-x:[relay.test]:587", "smtp_sasl_auth_enable": "yes", "smtp_sasl_password_maps": "hash:/etc/postfix/sasl_passwd",
		"smtp_sasl_security_options": "noplaintext, noanonymous", "smtp_sasl_tls_security_options": "noanonymous", "smtp_sasl_tls_verified_security_options": "noanonymous",
		"smtp_tls_security_level": "secure", "smtp_tls_CAfile": "/ca.pem", "smtp_helo_name": "host.example.com", "myhostname": "host.example.com",
		"mydestination": "localhost", "header_size_limit": "102400", "message_size_limit": "10240000", "compatibility_level": "3.6", "inet_interfaces": "loopback-only",
	}
	maps.Copy(all, params)
	text := ""
	for _, name := range slices.Sorted(maps.Keys(all)) {
		text += name + " = " + all[name] + "\n"
	}
	main, err := postfix.ParseMain([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	master, err := postfix.ParseMaster([]byte("smtp unix - - n - - smtp\nrewrite unix - - n - - trivial-rewrite\nrelayhost-x unix - - n - - smtp\n  -o smtp_tls_security_level=secure\n" + options))
	if err != nil {
		t.Fatal(err)
	}
	return postfix.State{Installed: true, Running: true, ConfigDir: "/etc/postfix", Hostname: "host", FQDN: "host.example.com", Version: postfix.Version{Major: 3, Minor: 7},
		Main: main, Master: master, Params: all, DefaultMap: "hash", MapTypes: []string{"hash", "texthash", "static", "regexp", "inline", "pipemap"},
		CAFile: "/ca.pem", SASLTypes: []string{"cyrus"}, SASLPlugins: []string{"PLAIN", "LOGIN"}, Maps: map[string][]byte{"/etc/postfix/sasl_passwd": []byte(passwd)}}
}

// noted is what the notes of a plan say of a rule.
var noted = map[string]string{
	"mydestination_domain": "to addresses there stays here", "message_too_big": "message_size_limit here is", "sasl_plugins_missing": "no SASL plugin for PLAIN or LOGIN",
}

// TestCommandsAgree: of one configuration, verify, explain, the check of apply and the
// notes of a plan name the same faults by the same IDs. A command that has no rule for
// a fault, as setup that writes the parameter again, is silent on it and says nothing
// else.
func TestCommandsAgree(t *testing.T) {
	const good = "[relay.test]:587 user:right\n"
	reader := &host.Reader{Root: t.TempDir()}
	for _, name := range []string{"sasl_passwd.db", "domains.db"} {
		path := filepath.Join(reader.Root, "etc/postfix", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range []struct {
		name            string
		params          map[string]string
		options, passwd string
		change          func(*postfix.State)
		want            string // ID, or none
		by              string // who has a rule for it: v, e, a, p
	}{
		{name: "sound", passwd: good},
		{name: "no login", options: "  -o smtp_sasl_auth_enable=no\n", passwd: good, want: "auth_not_enabled", by: "vea"},
		{name: "noplaintext", params: map[string]string{"smtp_sasl_tls_verified_security_options": "noplaintext"}, passwd: good, want: "sasl_noplaintext_default", by: "vea"},
		{name: "no plugin", change: func(s *postfix.State) { s.SASLPlugins = []string{"CRAM-MD5"} }, passwd: good, want: "sasl_plugins_missing", by: "veap"},
		{name: "TLS from the first byte", options: "  -o smtp_tls_wrappermode=yes\n", passwd: good, want: "tls_587_wrappermode", by: "vea"},
		{name: "own domain", params: map[string]string{"mydestination": "localhost, example.com"}, passwd: good, want: "mydestination_domain", by: "vep"},
		{name: "own domain in a file", params: map[string]string{"mydestination": "/etc/postfix/domains"}, passwd: good,
			change: func(s *postfix.State) { s.Maps["/etc/postfix/domains"] = []byte("example.com\n") }, want: "mydestination_domain", by: "vep"},
		{name: "own domain in a table", params: map[string]string{"virtual_mailbox_domains": "hash:/etc/postfix/domains"}, passwd: good,
			change: func(s *postfix.State) { s.Maps["/etc/postfix/domains"] = []byte("Example.com ok\n") }, want: "mydestination_domain", by: "vep"},
		{name: "larger messages", params: map[string]string{"message_size_limit": "0"}, passwd: good, want: "message_too_big", by: "vp"},
		{name: "no colon", passwd: "[relay.test]:587 user right\n", want: "table_no_colon", by: "ve"},
		{name: "no password", passwd: "[relay.test]:587 user:\n", want: "table_empty_entry", by: "ve"},
		{name: "not a boolean", params: map[string]string{"append_dot_mydomain": "example.com"}, passwd: good, want: "value_not_boolean", by: "ve"},
		{name: "greets as localhost", params: map[string]string{"smtp_helo_name": "localhost"}, passwd: good, want: "helo_localhost", by: "ve"},
		{name: "defaults elsewhere", params: map[string]string{"default_transport": "smtp:[relay.test]:587"}, passwd: good, want: "override_elsewhere", by: "va"},
		{name: "never compiled", params: map[string]string{"relay_domains": "hash:/etc/postfix/other"}, passwd: good, want: "map_db_missing", by: "ve"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := agreeing(t, row.params, row.options, row.passwd)
			if row.change != nil {
				row.change(&s)
			}
			for by, got := range map[string][]string{"v": byVerify(reader, s), "e": byExplain(reader, s), "a": byApply(s), "p": byPlan(t, s)} {
				want := ""
				if strings.Contains(row.by, by) {
					want = row.want
				}
				slices.Sort(got)
				if got := strings.Join(slices.Compact(got), " "); got != want {
					t.Errorf("%s: got %q, want %q", map[string]string{"v": "verify", "e": "explain", "a": "apply", "p": "plan"}[by], got, want)
				}
			}
		})
	}
}

const sender = "app@example.com"

func byVerify(reader *host.Reader, s postfix.State) (ids []string) {
	relay := relays.Relay{ID: "x", Name: "X", Limits: relays.Limits{MessageBytes: 20 << 20}}
	r := &run{Env: Env{State: s, Reader: reader, Routes: []Route{{Hops: []Hop{{}}}}}}
	tr := &routeCheck{run: r, signs: explain.InspectRoute(explain.RouteOf(s), sender), route: Route{Service: "relayhost-x", Hops: []Hop{{Hop: config.Hop{Relay: relay, Host: "relay.test", Port: 587, TLS: relays.StartTLS, Username: "user", Password: secret.New("right")}}}}}
	problems := postfix.Check(postfix.Staged{State: s, Meant: meant(tr.route)})
	for _, f := range slices.Concat(outdated(r.State), linted(r.Reader, r.State), inspect(tr.signs), tr.sizes(), tr.judged(problems, nil)) {
		ids = append(ids, f.Cause)
	}
	return ids
}

func byExplain(reader *host.Reader, s postfix.State) (ids []string) {
	for _, sign := range explain.Inspect(s, sender) {
		if sign.Holds {
			ids = append(ids, sign.Cause)
		}
	}
	for _, f := range s.Lint(postfix.Exists(reader)) {
		ids = append(ids, f.Rule)
	}
	return ids
}

func byApply(s postfix.State) (ids []string) {
	for _, f := range postfix.Check(postfix.Staged{State: s, Meant: lint.Meant{{Service: "relayhost-x", Hops: []lint.MeantHop{{NextHop: "[relay.test]:587"}}}}}) {
		if f.Severity == lint.Error {
			ids = append(ids, f.Rule)
		}
	}
	return ids
}

func byPlan(t *testing.T, s postfix.State) (ids []string) {
	t.Helper()
	relay := relays.Smarthost("relay.test", 587, relays.StartTLS, true)
	relay.Limits.MessageBytes = 20 << 20
	c := config.Config{Routes: []config.Route{{From: sender, Hops: []config.Hop{{Relay: relay, Host: "relay.test", Port: 587, TLS: relays.StartTLS, Username: "user", Password: secret.New("right")}}}}}
	p, err := plan.Build(plan.Server{State: s}, c)
	if err != nil {
		t.Fatal(err)
	}
	for id, words := range noted {
		if slices.ContainsFunc(p.Notes, func(n string) bool { return strings.Contains(n, words) }) {
			ids = append(ids, id)
		}
	}
	return ids
}
