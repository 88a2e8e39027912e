//go:build lab

package instance

import (
	"maps"
	"os"
	"strconv"
	"strings"
	"testing"

	"relayhost/internal/lab"
)

// TestLabQueueDirectories holds the directories of the queue that we make against
// those that Postfix's own installation makes (postfix-files).
func TestLabQueueDirectories(t *testing.T) {
	t.Parallel()
	suites := []lab.Suite{lab.Trixie}
	if os.Getenv("LAB_FULL") != "" {
		suites = []lab.Suite{lab.Bullseye, lab.Bookworm, lab.Trixie, lab.Sid}
	}
	for _, suite := range suites {
		t.Run(string(suite), func(t *testing.T) {
			t.Parallel()
			s := lab.New(t, lab.On(suite)).Server
			want := map[string]os.FileMode{}
			for line := range strings.Lines(s.Shell("cat $(postconf -h meta_directory)/postfix-files")) {
				// name:type:owner:group:permission:flags
				fields := strings.Split(strings.TrimSpace(line), ":")
				name, below := strings.CutPrefix(fields[0], "$queue_directory/")
				if !below || len(fields) < 5 || fields[1] != "d" {
					continue
				}
				mode, err := strconv.ParseUint(fields[4], 8, 32)
				if err != nil {
					t.Fatalf("postfix-files: %q: got %v, want an octal mode in the fifth field", line, err)
				}
				want[name] = os.FileMode(mode)
				owner, group := "$mail_owner", ""
				switch name {
				case "pid":
					owner = "root"
				case "maildrop", "public":
					group = "$setgid_group"
				}
				if got := fields[2]; got != owner {
					t.Errorf("%s: owner %s, want %s", name, got, owner)
				}
				if got := strings.Trim(fields[3], "-"); got != group {
					t.Errorf("%s: group %q, want %q", name, got, group)
				}
			}
			if !maps.Equal(want, queueDirectories) {
				t.Errorf("Postfix makes %v, we make %v", want, queueDirectories)
			}
		})
	}
}
