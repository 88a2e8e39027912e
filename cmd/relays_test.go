package cmd_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestRelaysFilters runs the program: each filter leaves what it says, and
// filters with a NAME are refused.
func TestRelaysFilters(t *testing.T) {
	program := program(t)
	for _, tt := range []struct {
		args      string
		with, not []string // ids
		said      string
		code      int
	}{
		{"", []string{"ses", "cloudflare", "fastmail"}, nil, "", 0},
		{"--free --no-domain", []string{"brevo"}, []string{"ses", "resend"}, "", 0},
		{"--mailbox", []string{"fastmail", "outlook"}, []string{"ses"}, "", 0},
		{"--https", []string{"cloudflare"}, []string{"fastmail", "ahasend"}, "", 0},
		{"--for digitalocean", []string{"smtp2go"}, []string{"cloudflare", "m365"}, "DigitalOcean: 2525 open; 25, 465, 587 blocked", 0},
		{"--for railway", []string{"cloudflare"}, []string{"fastmail", "ahasend"}, "by the API of these relays on port 443", 0},
		{"--for railway --mailbox", nil, []string{"fastmail", "ses"}, "plan Pro: 25, 465, 587, 2525", 0},
		{"--for nowhere", nil, nil, "no hosting provider", 64},
		{"ses --free", nil, nil, "exclude each other", 64},
	} {
		t.Run(tt.args, func(t *testing.T) {
			cmd := exec.Command(program, append(strings.Fields("relays --json"), strings.Fields(tt.args)...)...)
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr, cmd.Env = &stdout, &stderr, append(os.Environ(), "LC_ALL=C")
			_ = cmd.Run() // the code is looked at below
			if got := cmd.ProcessState.ExitCode(); got != tt.code || !strings.Contains(stdout.String()+stderr.String(), tt.said) {
				t.Fatalf("exit code %d, want %d, with %q\n%s%s", got, tt.code, tt.said, stdout.Bytes(), stderr.Bytes())
			}
			if tt.code != 0 {
				return
			}
			valid(t, "relays", stdout.String())
			var doc struct{ Relays []struct{ ID string } }
			if err := json.Unmarshal(stdout.Bytes(), &doc); err != nil {
				t.Fatal(err)
			}
			ids := map[string]bool{}
			for _, r := range doc.Relays {
				ids[r.ID] = true
			}
			for _, id := range tt.with {
				if !ids[id] {
					t.Errorf("got no %s, want it", id)
				}
			}
			for _, id := range tt.not {
				if ids[id] {
					t.Errorf("got %s, want it left out", id)
				}
			}
		})
	}
}
