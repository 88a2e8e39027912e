package setup

import (
	"slices"
	"strings"
	"testing"
	"time"

	"relayhost/internal/apply"
	"relayhost/internal/config"
	"relayhost/internal/postfix"
	"relayhost/relays"
)

// Status says what is set before and after a setup, and what somebody has changed.
func TestReadStatus(t *testing.T) {
	s := newServer(t)
	before, err := ReadStatus(t.Context(), s.deps)
	if err != nil {
		t.Fatal(err)
	}
	if before.Postfix != "3.7.11" || before.Configured || before.Relay != "" || before.ChangeID != "" || before.Drifted() {
		t.Errorf("before: got %+v, want a Postfix that nobody has set up", before)
	}
	out, err := Commit(t.Context(), s.prepare(t, s.request(t, "right")), CommitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	after, err := ReadStatus(t.Context(), s.deps)
	if err != nil {
		t.Fatal(err)
	}
	if !after.Configured || after.Relay != "smarthost" || after.ChangeID != out.Change.ID || after.Drifted() {
		t.Errorf("after: got %+v, want change %s of smarthost", after, out.Change.ID)
	}
	if !strings.HasPrefix(after.Service, "relayhost-smarthost") {
		t.Errorf("service: got %q, want relayhost-smarthost", after.Service)
	}
	main, err := s.deps.Host.ReadFile("/etc/postfix/main.cf")
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, s.deps.Host.Real("/etc/postfix/main.cf"), string(main)+"# theirs\n")
	edited, err := ReadStatus(t.Context(), s.deps)
	if err != nil {
		t.Fatal(err)
	}
	if edited.Drifted() { // a comment beside it has no effect
		t.Errorf("a comment was added: got drift %v, want none that counts", edited.Drift)
	}
	for _, item := range edited.Drift {
		if want := strings.HasSuffix(item.Path, "/main.cf"); (item.State != apply.DriftNone) != want {
			t.Errorf("%s: got %s, want drift %v", item.Path, item.State, want)
		}
	}
	writeFile(t, s.deps.Host.Real("/etc/postfix/main.cf"), strings.Replace(string(main), "[relay.test]", "[other.test]", 1))
	if edited, err = ReadStatus(t.Context(), s.deps); err != nil || !edited.Drifted() {
		t.Errorf("the next hop was changed: got %v, %v, want drift", edited.Drift, err)
	}
}

// Whether a relay of a route knows this host by its address is what its tables say, not
// what relayhost.toml leaves out; where those cannot be read, nothing is said.
func TestStatusRoutesNoAuth(t *testing.T) {
	s := newServer(t)
	if _, err := Commit(t.Context(), s.prepare(t, s.request(t, "right")), CommitOptions{}); err != nil {
		t.Fatal(err)
	}
	r := &s.deps.Host.Reader
	state, err := postfix.Read(t.Context(), r, "")
	if err != nil {
		t.Fatal(err)
	}
	stored, err := Stored(r)
	if err != nil {
		t.Fatal(err)
	}
	open := config.Hop{Relay: &relays.Relay{ID: relays.SmarthostID}, Host: "open.test", Port: 25}
	stored.Routes = append(stored.Routes, config.Route{Name: "open", Senders: []string{"open.test"}, From: "a@open.test", Hops: []config.Hop{open}})
	noAuth := func(t *testing.T, state postfix.State) (list []bool) {
		t.Helper()
		routes, err := statusRoutes(r, stored, state)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range routes {
			list = append(list, w.Hops[0].NoAuth)
		}
		return list
	}
	unread := state
	unread.Maps = map[string][]byte{}
	for path := range state.Maps {
		unread.Unreadable = append(unread.Unreadable, path)
	}
	for name, test := range map[string]struct {
		state postfix.State
		want  []bool
	}{"read": {state, []bool{false, true}}, "unreadable": {unread, []bool{false, false}}} {
		t.Run(name, func(t *testing.T) {
			if got := noAuth(t, test.state); !slices.Equal(got, test.want) {
				t.Errorf("no_auth: got %v, want %v", got, test.want)
			}
		})
	}
}

// What verify looks at is the stored Config with the accounts that Postfix has.
func TestEnvironment(t *testing.T) {
	s := newServer(t)
	if _, err := Commit(t.Context(), s.prepare(t, s.request(t, "right")), CommitOptions{}); err != nil {
		t.Fatal(err)
	}
	env, err := Environment(t.Context(), s.deps, "", "ops@example.net", "")
	if err != nil {
		t.Fatal(err)
	}
	hop := env.First()
	if hop.Host != "relay.test" || hop.Port != s.port || hop.Username != "joe" || env.From() != "app@example.com" || env.To != "ops@example.net" {
		t.Errorf("got %s port %d, %s, from %s to %s, want what setup has written", hop.Host, hop.Port, hop.Username, env.From(), env.To)
	}
	if env.Plan == nil || !strings.HasPrefix(env.Routes[0].Service, "relayhost-smarthost") {
		t.Errorf("got plan %v and service %q, want a plan and our service", env.Plan != nil, env.Routes[0].Service)
	}
	if _, err := Environment(t.Context(), s.deps, "not an address", "", ""); err == nil {
		t.Error("a sender that is no address: got no error, want one")
	}
}

// A next hop of a setup made by hand keeps its spelling: by that Postfix finds TLS and login.
func TestEnvironmentByHand(t *testing.T) {
	for _, written := range []string{"relay.test", "[relay.test]", "relay.test:587", "[Relay.test]:587"} {
		t.Run(written, func(t *testing.T) {
			s := newServer(t)
			s.write(t, "/etc/postfix/main.cf", mainBefore+"default_transport = smtp\nrelayhost = "+written+"\n")
			env, err := Environment(t.Context(), s.deps, "", "", "")
			if err != nil {
				t.Fatal(err)
			}
			if hop := env.First(); hop.Written != written || hop.Host != "relay.test" {
				t.Errorf("got the next hop %q with the host %s, want %q and relay.test", hop.Written, hop.Host, written)
			}
		})
	}
}

// Hosts are looked up as the service of the relay does, whose options come before main.cf.
func TestEnvironmentLookup(t *testing.T) {
	for lookup, want := range map[string]bool{"native": true, "dns": false} {
		t.Run(lookup, func(t *testing.T) {
			s := newServer(t)
			s.write(t, "/etc/postfix/main.cf", mainBefore+"default_transport = smtp\nrelayhost = relay.test\n")
			s.write(t, "/etc/postfix/master.cf", "smtp unix - - y - - smtp\n  -o smtp_host_lookup="+lookup+"\n")
			env, err := Environment(t.Context(), s.deps, "", "", "")
			if err != nil {
				t.Fatal(err)
			}
			if v4, _, err := env.Resolver.Addrs(t.Context(), "relay.test"); (err == nil && len(v4) == 1) != want {
				t.Errorf("got %v, %v, want the address of /etc/hosts: %t", v4, err, want)
			}
		})
	}
}

// Without a Postfix no mail goes anywhere, and status does not claim that it does.
func TestStatusWithoutPostfix(t *testing.T) {
	text := Status{}.Text()
	if !strings.Contains(text, "not installed") || !strings.Contains(text, "nowhere") || strings.Contains(text, "directly") {
		t.Errorf("got\n%s\nwant that Postfix is not installed and no mail is sent", text)
	}
}

// The commands of a status are for the instance of Postfix that it is of.
func TestStatusOfAnInstance(t *testing.T) {
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	doc := Status{configDir: "/etc/postfix-out", Postfix: "3.7.11", ChangeID: "x", ChangedAt: &at, Outdated: []string{"/etc/postfix-out/main.cf"}}
	for _, want := range []string{"sudo relayhost rollback --config-dir /etc/postfix-out\n", "sudo relayhost setup --config-dir /etc/postfix-out --dry-run\n"} {
		if got := doc.Text(); !strings.Contains(got, want) {
			t.Errorf("got\n%swant %q in it", got, want)
		}
	}
}
