package verify

import (
	"os"
	"path/filepath"
	"testing"

	"relayhost/internal/host"
	"relayhost/internal/postfix"
)

// A Postfix that was replaced is restarted by what runs it on this server.
func TestOutlived(t *testing.T) {
	for name, c := range map[string]struct {
		has, dir string
		pid      int
		want     string
	}{
		"systemd":   {"run/systemd/system", "/etc/postfix", 7, "systemctl restart postfix"},
		"openrc":    {"run/openrc/softlevel", "/etc/postfix", 7, "rc-service postfix restart"},
		"neither":   {"run", "/etc/postfix", 7, "postfix stop; postfix start"},
		"instance":  {"run/systemd/system", "/etc/postfix-out", 7, "postfix -c /etc/postfix-out stop; postfix -c /etc/postfix-out start"},
		"container": {"run", "/etc/postfix", 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			if err := os.MkdirAll(filepath.Join(root, c.has), 0o755); err != nil {
				t.Fatal(err)
			}
			f := outlived(&host.Reader{Root: root}, postfix.State{Outlived: c.pid, ConfigDir: c.dir})
			if f.Result != Fail || f.Command != c.want || f.Remedy == "" {
				t.Errorf("got %+v, want a failure with a remedy and the command %q", f, c.want)
			}
		})
	}
}
