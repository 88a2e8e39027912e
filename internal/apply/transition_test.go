package apply

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"relayhost/internal/plan"
)

// change plans another relay in the place of the one that is there.
func (tr *tree) change(password, relay string) plan.Plan { return driverPlan(tr.h, password, relay) }

// serves wants the files to have all that deliveries to relay need.
func (tr *tree) serves(when, relay string, want bool) {
	tr.t.Helper()
	hop, service := other(relay, nextHop), strings.Fields(other(relay, masterAfter))[0]+" "
	for path, text := range map[string]string{
		"/etc/postfix/sasl_passwd": hop + " user:", "/etc/postfix/sasl_passwd.db": hop + " user:", "/etc/postfix/master.cf": service,
	} {
		if has := strings.Contains(tr.read(path), text); has != want {
			tr.t.Errorf("%s: %s has %q: %v, want %v", when, path, text, has, want)
		}
	}
}

// One relay is put in the place of another, and back: while Postfix may have read
// the one main.cf or the other, both relays have their service and password.
func TestRelayChange(t *testing.T) {
	tr := newTree(t)
	tr.run("one")
	first := tr.print()
	relays := []string{"", "other"}
	both := func(when string) {
		t.Helper()
		for _, relay := range relays {
			tr.serves(when, relay, true)
		}
	}
	reloads := 0
	tr.o.Reload = func(context.Context) error {
		if reloads++; reloads == 1 {
			both("at the first reload")
		}
		return nil
	}
	tr.o.Prove = func(context.Context) error { both("at the proof"); return nil }
	if _, err := Run(t.Context(), tr.h, tr.change("two", "other"), tr.o); err != nil {
		t.Fatal(err)
	}
	tr.serves("changed", "", false)
	tr.serves("changed", "other", true)
	if found := tr.kept("user:one"); len(found) == 0 {
		t.Error("got no password of before, want it kept for the rollback")
	}
	for _, path := range tr.kept("user:two") {
		t.Errorf("got the new password in the journal, want it left out: %s", path)
	}
	reloads, tr.o.Prove = 0, nil
	if _, err := RollBack(t.Context(), tr.h, "", tr.o); err != nil {
		t.Fatal(err)
	}
	if now := tr.print(); now != first || reloads == 0 {
		t.Errorf("rolled back, %d reloads:\n%swant\n%s", reloads, now, first)
	}
}

// kept lists the files of the state directory that hold text.
func (tr *tree) kept(text string) (paths []string) {
	tr.t.Helper()
	var walk func(dir string)
	walk = func(dir string) {
		names, _ := tr.h.ReadDir(dir)
		for _, name := range names {
			path := dir + "/" + name
			if m, err := tr.h.Lstat(path); err == nil && m.Mode.IsDir() {
				walk(path)
			} else if strings.Contains(tr.read(path), text) {
				paths = append(paths, path)
			}
		}
	}
	walk(tr.o.StateDir)
	return paths
}

// A change of relays, and its rollback, are killed at each change to the machine:
// main.cf never names a relay without its service and password, and the next
// run finishes the undoing.
func TestKilledBetweenRelays(t *testing.T) {
	for _, verb := range []string{"run", "rollback"} {
		t.Run(verb, func(t *testing.T) {
			t.Parallel()
			tr := newTree(t)
			tr.o.Reload = nil
			mustDrive(t, tr.driver("run"), 0)
			if verb == "rollback" {
				mustDrive(t, tr.driver("run", "relay=other", "password=two"), 0)
			}
			before := tr.print()
			tried, step := 0, every(2, 15)
			for n := 1; ; n += step {
				code := driveCode(t, tr.driver(verb, "relay=other", "password=two", "kill="+strconv.Itoa(n)))
				if code == 0 {
					break
				}
				tried++
				when := fmt.Sprintf("killed at change %d", n)
				tr.named(when)
				// The undoing is killed as well.
				for m := 1 + n%7; m < 40; m += 20 {
					if driveCode(t, tr.driver("recover", "kill="+strconv.Itoa(m))) != 0 {
						tr.named(fmt.Sprintf("%s, and undoing at change %d", when, m))
					}
				}
				mustDrive(t, tr.driver("recover"), 0)
				tr.named(when + ", recovered")
				if now := tr.print(); now != before {
					if verb == "rollback" { // committed: on we go with the next one
						mustDrive(t, tr.driver("run", "relay=other", "password=two"), 0)
					} else {
						mustDrive(t, tr.driver("rollback"), 0)
					}
				}
				if now := tr.print(); now != before {
					t.Fatalf("%s, recovered:\n%swant\n%s", when, now, before)
				}
			}
			t.Logf("%d points tried, 0 broken", tried)
			if tried < 100/step {
				t.Errorf("only %d points, want at least %d", tried, 100/step)
			}
		})
	}
}

// named wants the relay in main.cf to have what it needs.
func (tr *tree) named(when string) {
	tr.t.Helper()
	for _, relay := range []string{"", "other"} {
		if strings.Contains(tr.read("/etc/postfix/main.cf"), other(relay, nextHop)) {
			tr.serves(when, relay, true)
		}
	}
}

func TestJoinTables(t *testing.T) {
	for name, test := range map[string]struct{ before, after, want string }{
		"another hop":     {"[a]:587 u:1\n", "[b]:587 u:2\n", "[b]:587 u:2\n[a]:587 u:1\n"},
		"bare host":       {"b u:0\na u:1\n", "[b]:587 u:2\n", "[b]:587 u:2\na u:1\n"},
		"catch-all goes":  {"a smtp:[x]\n* smtp:[b]:587\n", "a smtp:[x]\n", "a smtp:[x]\n"},
		"new password":    {"[a]:587 u:1\n", "[a]:587 u:2\n", "[a]:587 u:2\n"},
		"one goes":        {"[a]:587 u:1\n[b]:587 u:2\n", "[b]:587 u:2\n", "[a]:587 u:1\n[b]:587 u:2\n"},
		"patterns":        {"/a b/ 4.7.1\n", "/a c/ 4.7.2\n", "/a c/ 4.7.2\n/a b/ 4.7.1\n"},
		"patterns, equal": {"/a/ 4.7.1\n", "/a/ 4.7.1\n", "/a/ 4.7.1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := joinTables([]byte(test.before), []byte(test.after))
			var lines []string
			for line := range strings.Lines(string(got)) {
				if !strings.HasPrefix(line, "#") && strings.TrimSpace(line) != "" {
					lines = append(lines, line)
				}
			}
			if !ok || strings.Join(lines, "") != test.want {
				t.Errorf("got %q (%v), want %q", got, ok, test.want)
			}
		})
	}
}

// TestMapAsNewAsItsSource: Postfix warns of maps that are older than their
// source, so that the time of the proof must not lie between the two.
func TestMapAsNewAsItsSource(t *testing.T) {
	t.Parallel() // it waits
	tr := newTree(t)
	tr.run("one")
	tr.o.Prove = func(context.Context) error { time.Sleep(1200 * time.Millisecond); return nil }
	for i, relay := range []string{"other", "", ""} { // the last is a new password alone
		if _, err := Run(t.Context(), tr.h, tr.change(strconv.Itoa(i), relay), tr.o); err != nil {
			t.Fatal(err)
		}
		source, err1 := tr.h.Lstat("/etc/postfix/sasl_passwd")
		compiled, err2 := tr.h.Lstat("/etc/postfix/sasl_passwd.db")
		if err := errors.Join(err1, err2); err != nil || source.Mtime.After(compiled.Mtime) {
			t.Errorf("%d: got the source of %s, its map of %s and the error %v, want a map that is as new, and no error", i, source.Mtime, compiled.Mtime, err)
		}
	}
}

// A service that relies on main.cf (as an earlier release wrote it) and one that
// does not: while either main.cf may have been read, it is the second, on the way in
// and on the way back; and Postfix is told of it before main.cf changes.
func TestServiceThatReliesOnMainCF(t *testing.T) {
	const smtp = "smtp unix - - y - - smtp\n"
	const shared = smtp + "relayhost-x unix - - n - - smtp\n  -o smtp_tls_CAfile=/ca.pem\n"
	const own = smtp + "relayhost-x unix - - n - - smtp\n  -o smtp_tls_security_level=secure\n  -o smtp_tls_CAfile=/ca.pem\n"
	for _, test := range []struct {
		name, before, after string
		told                bool
	}{
		{"in", shared, own, true},
		{"back", own, shared, false},
		{"changed", own, strings.Replace(own, "/ca.pem", "/other.pem", 1), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := joinServices([]byte(test.before), []byte(test.after))
			if !ok || !strings.Contains(string(got), "smtp_tls_security_level=secure") {
				t.Errorf("in between: got another master.cf than wanted (%v)\n%s", ok, got)
			}
			if told := becomesPrivate([]byte(test.before), got); told != test.told {
				t.Errorf("told before main.cf changes: %v, want %v", told, test.told)
			}
		})
	}
}
