package cmd

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"relayhost/internal/setup"
	"relayhost/internal/ui"
	"relayhost/internal/verify"
	"relayhost/relays"
)

// What setup says at its end of the test message is what became of it.
func TestTellProven(t *testing.T) {
	ses, err := relays.Get("ses")
	if err != nil {
		t.Fatal(err)
	}
	accepted := setup.Delivered{Relay: ses, Delivery: verify.Delivery{Relay: "smtp.example.net[192.0.2.1]:587", Reply: "250 ok"}}
	unseen := setup.Delivered{Relay: ses}
	const delivered, handed, untested, simulated = "delivered: the test message to you@example.net", "handed to Postfix", "Configured, not tested (--no-verify)", "own test address does not show"
	for _, tt := range []struct {
		name, to string
		proven   []setup.Delivered
		want     string
		not      []string
	}{
		{"accepted", "you@example.net", []setup.Delivered{accepted}, delivered, []string{handed, untested, simulated}},
		{"no log", "you@example.net", []setup.Delivered{unseen}, handed, []string{delivered, untested}},
		{"--no-verify", "you@example.net", nil, untested, []string{delivered, handed}},
		{"the relay's simulator", ses.Test.Recipient, []setup.Delivered{accepted}, simulated, []string{untested, handed}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			tellProven(&ui.Streams{Out: &out, Err: &out}, "", tt.to, tt.proven)
			if !strings.Contains(out.String(), tt.want) {
				t.Errorf("got\n%swant %q", out.String(), tt.want)
			}
			for _, text := range tt.not {
				if strings.Contains(out.String(), text) {
					t.Errorf("got\n%swant no %q", out.String(), text)
				}
			}
		})
	}
}

// An error that was told above the question "What do you want to change?" is not told
// again when the run ends there; the state of this server is.
func TestToldOnce(t *testing.T) {
	refused := setup.Hint(setup.ProofError{Err: errors.New("the relay refused the login")}, "check it")
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"told", setup.StatedError{Err: toldError{refused}, State: "unchanged"}, "This server: unchanged.\n"},
		{"told, nothing stated", toldError{refused}, ""},
		{"not told", setup.StatedError{Err: refused, State: "unchanged"}, "relayhost: error: the relay refused the login\n  this server: unchanged\nrelayhost: hint: check it\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			if code := (&app{io: &ui.Streams{Out: &out, Err: &out}}).report(tt.err); code != exitProof {
				t.Errorf("got exit code %d, want %d", code, exitProof)
			}
			if out.String() != tt.want {
				t.Errorf("got\n%q\nwant\n%q", out.String(), tt.want)
			}
		})
	}
}

// What a run is told to do next is for the Postfix that --config-dir has named.
func TestHintAtInstance(t *testing.T) {
	var out bytes.Buffer
	a := &app{io: &ui.Streams{Out: &out, Err: &out}, configDir: "/etc/postfix-out"}
	a.report(setup.Hint(errors.New("no"), "Start Postfix.\n  postfix start; relayhost verify"))
	if want := "relayhost: error: no\nrelayhost: hint: Start Postfix.\n    postfix -c /etc/postfix-out start; relayhost verify --config-dir /etc/postfix-out\n"; out.String() != want {
		t.Errorf("got\n%q\nwant\n%q", out.String(), want)
	}
	out.Reset()
	tellProven(a.io, a.configDir, "you@example.net", nil)
	if want := "Test it: sudo relayhost verify --config-dir /etc/postfix-out\n"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("got %q, want %q at the end", out.String(), want)
	}
}

// relayhost --version is a line with the version.
func TestVersionFlag(t *testing.T) {
	var out bytes.Buffer
	root := newRootCmd(&app{io: &ui.Streams{Out: &out, Err: &out}})
	root.SetOut(&out)
	root.SetArgs([]string{"--version"})
	if err := root.Execute(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), version) || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("got %q, want a line with %q", out.String(), version)
	}
}
