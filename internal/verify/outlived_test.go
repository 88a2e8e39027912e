package verify

import (
	"fmt"
	"testing"

	"relayhost/internal/host"
	"relayhost/internal/postfix"
)

// A Postfix that was replaced is restarted, with the container whose first process it is.
func TestOutlived(t *testing.T) {
	for pid, want := range map[int]string{7: "postfix -c /etc/postfix-out stop; postfix -c /etc/postfix-out start", 1: ""} {
		t.Run(fmt.Sprintf("process %d", pid), func(t *testing.T) {
			f := outlived(t.Context(), &host.Reader{Root: t.TempDir()}, postfix.State{Outlived: pid, ConfigDir: "/etc/postfix-out"})
			if f.Result != Fail || f.Command != want || f.Remedy == "" {
				t.Errorf("process %d: got %+v, want a failure with a remedy and the command %q", pid, f, want)
			}
		})
	}
}
