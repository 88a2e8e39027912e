package verify

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"relayhost/internal/config"
	"relayhost/internal/explain"
	"relayhost/internal/smtpprobe"
	"relayhost/relays"
)

// TestQueueRefers: mail that waits refers to the finding on the fault that it waits for,
// by check and route, and has its own remedy where none is.
func TestQueueRefers(t *testing.T) {
	hop := func(host string) []Hop { return []Hop{{Hop: config.Hop{Relay: &relays.Relay{}, Host: host}}} }
	routes := []Route{{Name: "default", Hops: hop("relay.test")}, {Name: "shop", Hops: hop("shop.test")}}
	auth := func(result Result, cause string, route int) Finding {
		return Finding{Check: "auth", Result: result, Cause: cause, Route: routes[max(route, 1)-1].Name, route: route}
	}
	for _, c := range []struct {
		name, cause, reason string
		findings            []Finding
		want                string // check and route; "" where nothing is referred to
	}{
		{"nothing else", "auth_535_generic", "", nil, ""},
		{"the same cause", "auth_535_generic", "host relay.test[192.0.2.1] said: 535", []Finding{auth(Fail, "auth_535_generic", 1)}, "auth default"},
		{"the same step in other words", "tls_handshake_failure", "", []Finding{{Check: "tls", Result: Fail, Cause: "tls_handshake_dropped"}}, "tls "},
		{"another fault", "auth_535_generic", "", []Finding{{Check: "config", Result: Fail, Cause: "helo_localhost"}}, ""},
		{"a mode", "map_lookup_error", "", []Finding{{Check: "maps", Result: Fail, Cause: "secret_world_readable"}}, ""},
		{"another route", "auth_535_generic", "host relay.test[192.0.2.1] said: 535", []Finding{auth(Fail, "auth_535_generic", 2)}, ""},
		{"the second route", "auth_535_generic", "host shop.test[192.0.2.1] said: 535", []Finding{auth(Fail, "auth_535_generic", 1), auth(Fail, "auth_535_generic", 2)}, "auth shop"},
		{"no relay is named", "dns_chroot_resolv", "Host not found, try again", []Finding{{Check: "dns", Result: Fail, Cause: "dns_chroot_resolv", Route: "shop", route: 2}}, "dns shop"},
		{"the delivery", "relay_access_denied", "", []Finding{{Check: "delivery", Result: Fail, Cause: "relay_access_denied"}}, "delivery "},
		{"a warning of the cause", "transport_deferred", "", []Finding{{Check: "config", Result: Warn, Cause: "transport_deferred"}}, "config "},
		{"another warning", "transport_deferred", "", []Finding{{Check: "config", Result: Warn, Cause: "header_size"}}, ""},
		{"a check that passed", "auth_535_generic", "", []Finding{auth(Pass, "", 1)}, ""},
		{"an unknown reason", "", "Foo", []Finding{{Check: "maps", Result: Fail, Cause: "map_db_stale"}, {Check: "connect", Result: Fail, Cause: "net_refused"}}, "connect "},
	} {
		t.Run(c.name, func(t *testing.T) {
			cause, ok := explain.ByID(c.cause)
			if !ok && c.cause != "" {
				t.Fatalf("explain.ByID(%q): got none, want a cause", c.cause)
			}
			r := &run{Env: Env{Routes: routes}, findings: c.findings}
			got := ""
			if f, ok := r.told(explain.Group{Cause: cause, Example: c.reason}); ok {
				got = f.Check + " " + f.Route
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestReferring: the route is named where there are several, and a fault that only warns
// leaves mail that is stuck a failure.
func TestReferring(t *testing.T) {
	stuck := Finding{Check: "queue", Result: Fail, Cause: "transport_deferred", Remedy: "Take it out."}
	for _, c := range []struct {
		name   string
		told   Finding
		want   string
		result Result
	}{
		{"one route", Finding{Check: "auth", Result: Fail}, "Fix first: auth.", Warn},
		{"one of several routes", Finding{Check: "auth", Result: Fail, Route: "shop"}, "Fix first: auth of route shop.", Warn},
		{"a warning", Finding{Check: "config", Result: Warn}, "Fix first: config.", Fail},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := stuck.referring(c.told); got.Remedy != c.want || got.Result != c.result || got.Cause != "queue_deferred" {
				t.Errorf("%+v: got %+v, want %q and %s", c.told, got, c.want, c.result)
			}
		})
	}
}

// TestQueueWithFaults: what the finding on the queue advises where something fails.
func TestQueueWithFaults(t *testing.T) {
	waits := queued("deferred", `,"delay_reason":"host relay.test[127.0.0.1] said: 535 5.7.8 Error: authentication failed"`)
	for _, c := range []struct {
		name, remedy, not, command string
		change                     state
	}{
		{"the login is refused", "Fix first: auth.", "credentials", "postqueue -f", func(_ *testing.T, e *Env, _ service) { e.First().Username = "other" }},
		{"only the mode is wrong", "send the mail that waits", "Fix first", "postqueue -f", tables(0o644, 0o600)},
		{"an instance", "send the mail that waits", "Fix first", "postqueue -c /etc/postfix-out -f", func(_ *testing.T, e *Env, _ service) { e.State.ConfigDir = "/etc/postfix-out" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := relay(t)
			env := s.env(t)
			all(c.change, waits)(t, &env, s)
			f := find(Run(t.Context(), env, Options{NoSend: true}), "queue")
			if len(f) != 1 || !strings.Contains(f[0].Remedy, c.remedy) || strings.Contains(f[0].Remedy, c.not) || f[0].Command != c.command {
				t.Errorf("got %+v, want the remedy %q without %q and the command %q", f, c.remedy, c.not, c.command)
			}
		})
	}
}

// TestQueueWithoutTime: the queue is read while the relay is asked, so that a relay that
// does not answer leaves it known; where there was no time at all, that is said.
func TestQueueWithoutTime(t *testing.T) {
	t.Parallel()
	const text = "the time was up before the queue was read"
	run := func(postqueue state) []Finding {
		s := relay(t)
		env := s.env(t)
		postqueue(t, &env, s)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		env.Probe = func(context.Context, smtpprobe.Target) smtpprobe.Result { // of a relay that is silent until the end
			for range 600 {
				if _, err := os.Stat(filepath.Join(env.Reader.Root, "read")); err == nil {
					break
				}
				time.Sleep(100 * time.Millisecond)
			}
			time.Sleep(time.Second) // for the exit of the program that wrote the file
			cancel()
			return smtpprobe.Result{}
		}
		return find(Run(ctx, env, Options{NoSend: true}), "queue")
	}
	marked := func(then string) state {
		return func(t *testing.T, e *Env, s service) {
			program("postqueue", "touch "+e.Reader.Root+"/read; "+then)(t, e, s)
		}
	}
	if f := run(marked("exit 0")); len(f) != 1 || f[0].Result != Pass {
		t.Errorf("read in time: got %+v, want a pass", f)
	}
	if f := run(marked("exec sleep 100")); len(f) != 1 || f[0].Result != Skip || f[0].Detail != text {
		t.Errorf("never read: got %+v, want %q", f, text)
	}
}
