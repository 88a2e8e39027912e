//go:build lab

package cmd_test

import (
	"os"
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
