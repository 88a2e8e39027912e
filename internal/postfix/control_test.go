//go:build unix

package postfix

import (
	"os"
	"path/filepath"
	"testing"

	"relayhost/internal/host"
)

// A command that is advised is for the instance at hand, by what runs it here.
func TestByHand(t *testing.T) {
	const systemd, openrc = "run/systemd/system", "run/openrc/softlevel"
	for name, c := range map[string]struct {
		has, units, dir, verb, want string
	}{
		"systemd":                        {systemd, "", "/etc/postfix", "restart", "systemctl restart postfix"},
		"systemd, no directory named":    {systemd, "", "", "start", "systemctl start postfix"},
		"openrc":                         {openrc, "", "/etc/postfix/", "restart", "rc-service postfix restart"},
		"neither":                        {"run", "", "/etc/postfix", "restart", "postfix stop; postfix start"},
		"neither, start":                 {"run", "", "/etc/postfix", "start", "postfix start"},
		"flush":                          {systemd, "", "/etc/postfix", "flush", "postqueue -f"},
		"instance":                       {"run", "", "/etc/postfix-out", "restart", "postfix -c /etc/postfix-out stop; postfix -c /etc/postfix-out start"},
		"instance, start":                {"run", "", "/etc/postfix-out", "start", "postfix -c /etc/postfix-out start"},
		"instance, flush":                {systemd, "postfix@out.service", "/etc/postfix-out", "flush", "postqueue -c /etc/postfix-out -f"},
		"instance with a unit":           {systemd, "postfix@out.service", "/etc/postfix-out", "restart", "systemctl restart postfix@out"},
		"instance with a unit, Debian":   {systemd, `postfix@postfix\x2dout.service`, "/etc/postfix-out", "start", `systemctl start 'postfix@postfix\x2dout'`},
		"instance that has no unit":      {systemd, "postfix@other.service", "/etc/postfix-out", "start", "postfix -c /etc/postfix-out start"},
		"instance, openrc has no script": {openrc, "", "/etc/postfix-out", "start", "postfix -c /etc/postfix-out start"},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			for _, dir := range []string{c.has, "bin"} {
				if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			script := "#!/bin/sh\nprintf '%s loaded inactive dead Postfix\\n' '" + c.units + "'\n"
			if err := os.WriteFile(filepath.Join(root, "bin/systemctl"), []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
			r := &host.Reader{Root: root, Path: filepath.Join(root, "bin")}
			if got := ByHand(t.Context(), r, c.dir, c.verb); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
