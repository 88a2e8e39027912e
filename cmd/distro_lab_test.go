//go:build lab

package cmd_test

import (
	"os"
	"strings"
	"testing"

	"relayhost/internal/lab"
)

// fullTable tells whether every combination is to run, not each mechanism once.
func fullTable() bool { return os.Getenv("LAB_FULL") != "" }

// TestLabDistributions goes the main way with the Postfix of each Debian:
// 3.5, 3.10 and 3.11 here, 3.7 is what every other test runs on. The full table
// has each of the five services on each of the four.
func TestLabDistributions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		suite   lab.Suite
		postfix string
		service int
	}{
		{lab.Bullseye, "3.5", 0},
		{lab.Trixie, "3.10", 3},
		{lab.Sid, "3.11", 4},
	}
	for _, tt := range tests {
		t.Run(string(tt.suite), func(t *testing.T) {
			t.Parallel()
			s := five[tt.service]
			l := newLab(t, lab.On(tt.suite), lab.Relay(s.id))
			assertPostfix(t, l, tt.postfix)
			roundTrip(t, l, s, 587, "starttls")
		})
	}
	if !fullTable() {
		return
	}
	for _, suite := range []lab.Suite{lab.Bullseye, lab.Bookworm, lab.Trixie, lab.Sid} {
		for _, s := range five {
			t.Run(string(suite)+"_"+s.name, func(t *testing.T) {
				t.Parallel()
				roundTrip(t, newLab(t, lab.On(suite), lab.Relay(s.id)), s, 587, "starttls")
			})
			if s.id == "brevo" || s.id == "ses" {
				t.Run(string(suite)+"_"+s.name+"_465", func(t *testing.T) {
					t.Parallel()
					roundTrip(t, newLab(t, lab.On(suite), lab.Relay(s.id)), s, 465, "implicit", "--port", "465")
				})
			}
		}
	}
}

// assertPostfix holds the suite against the release of Postfix that it is
// meant to bring: sid moves on.
func assertPostfix(t *testing.T, l *lab.Lab, release string) {
	t.Helper()
	version := l.Server.Shell("postconf -hd mail_version")
	if len(version) < len(release) || version[:len(release)] != release {
		t.Errorf("Postfix %s on the server, want %s", version, release)
	}
}

// withoutBerkeleyDB takes hash and btree from what postconf says, as RHEL 10,
// Alpine, openSUSE and Arch have neither.
const withoutBerkeleyDB = `#!/bin/sh
case " $* " in
*' -m '*) /usr/sbin/postconf.all "$@" | grep -vxE 'hash|btree' ;;
*) exec /usr/sbin/postconf.all "$@" ;;
esac
`

// TestLabMapTypes goes the main way with a Postfix that has lmdb and no Berkeley
// DB, whose main.cf is as RHEL 10 ships it, and with one that has no table that is
// compiled at all.
func TestLabMapTypes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		typ, index string
		packages   []string
		main       string
	}{
		{"lmdb", ".lmdb", []string{"postfix-lmdb"}, "default_database_type=lmdb alias_maps=lmdb:/etc/aliases alias_database=lmdb:/etc/aliases"},
		{"texthash", "", nil, "alias_maps= alias_database="},
	}
	for _, tt := range tests {
		t.Run(tt.typ, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, lab.Packages(tt.packages...), lab.Relay("brevo"))
			s := l.Server
			s.Shell("postconf -e smtp_tls_session_cache_database= " + tt.main + " && newaliases && postfix reload && mv /usr/sbin/postconf /usr/sbin/postconf.all")
			s.WriteFile("/usr/sbin/postconf", withoutBerkeleyDB, 0o755)
			roundTrip(t, l, five[5], 587, "starttls")

			if res := l.Run(setupArgs(five[5])...); res.Code != 0 {
				t.Fatalf("setup: want exit code 0, got %s\n%s", res, s.MailLog())
			}
			if maps := s.Shell("postconf -P | grep -E '^relayhost-brevo/unix/smtp_(sasl_password|generic)_maps'"); strings.Count(maps, tt.typ+":") != 2 || strings.Contains(maps, " hash:") {
				t.Errorf("not %s: got %s, want no %q in it", tt.typ, maps, " hash:")
			}
			if tt.index != "" {
				if mode := s.Shell("stat -c %a%U /etc/postfix/sasl_passwd" + tt.index); mode != "600root\n" {
					t.Errorf("the compiled table: got %s, want %q", mode, "600root\n")
				}
			}
			if stray := s.Shell("ls /etc/postfix | grep -E '[.](db|cdb)$' || true"); stray != "" {
				t.Errorf("compiled with a type that is not there: got %s, want none", stray)
			}
		})
	}
}

// TestLabMapDriverMissing: postconf -m goes by dynamicmaps.cf, also where the
// library that it names is gone, or cannot be loaded.
func TestLabMapDriverMissing(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]string{"gone": "true", "broken": "echo junk >/usr/lib/postfix/postfix-lmdb.so"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mapDriver(t, prepare)
		})
	}
}

func mapDriver(t *testing.T, prepare string) {
	t.Helper()
	l := newLab(t, lab.Relay("brevo"))
	s := l.Server
	s.Shell(prepare)
	s.Shell("echo 'lmdb /usr/lib/postfix/postfix-lmdb.so dict_lmdb_open mkmap_lmdb_open' >> /etc/postfix/dynamicmaps.cf && postconf -e default_database_type=lmdb && postfix reload")
	if types := s.Shell("postconf -m"); !strings.Contains(types, "lmdb\n") {
		t.Fatalf("postconf -m does not name lmdb: got %s, want %q in it", types, "lmdb\n")
	}
	roundTrip(t, l, five[5], 587, "starttls")
	if res := l.Run(setupArgs(five[5])...); res.Code != 0 {
		t.Fatalf("setup: want exit code 0, got %s\n%s", res, s.MailLog())
	}
	if maps := s.Shell("postconf -hP relayhost-brevo/unix/smtp_sasl_password_maps"); maps != "hash:/etc/postfix/sasl_passwd\n" {
		t.Errorf("the table is %s, want %q", maps, "hash:/etc/postfix/sasl_passwd\n")
	}
}
