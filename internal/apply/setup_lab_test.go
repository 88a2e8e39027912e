//go:build lab

package apply

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"relayhost/internal/bridge/apitest"
	"relayhost/internal/lab"
)

// faultyBinary is the whole program in the build that can be told to die.
var faultyBinary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "relayhost-faults-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "relayhost")
	cmd := exec.Command("go", "build", "-tags", "relayhost_testhooks", "-o", out, "relayhost/cmd/relayhost")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, said)
	}
	data, err := os.ReadFile(out)
	return string(data), err
})

// TestLabKilledSetup kills the whole of relayhost setup, rehearsal included, at
// its changes to the machine. Nobody helps: the watch restores, the next
// command finds nothing left to do, and Postfix takes mail all the time.
func TestLabKilledSetup(t *testing.T) {
	t.Parallel()
	parts := 1
	if whole() {
		parts = 2
	}
	for part := range parts {
		t.Run(strconv.Itoa(part), func(t *testing.T) {
			t.Parallel()
			killedSetup(t, pass{part: part, of: parts}, "")
		})
		t.Run(strconv.Itoa(part)+" by HTTPS", func(t *testing.T) {
			t.Parallel()
			killedSetup(t, pass{part: part, of: parts}, "https")
		})
		t.Run(strconv.Itoa(part)+" by OAuth", func(t *testing.T) {
			t.Parallel()
			killedSetup(t, pass{part: part, of: parts}, "smtp-oauth")
		})
	}
}

func killedSetup(t *testing.T, which pass, via string) {
	program, err := faultyBinary()
	if err != nil {
		t.Fatal(err)
	}
	service, from, flags := "sendgrid", "app@example.com", []string(nil)
	var l *lab.Lab
	opts := []lab.Option{lab.Relay("sendgrid"), lab.API("sendgrid", "api.sendgrid.com")}
	switch via {
	case "https":
		flags = []string{"--via", "https"}
	case "smtp-oauth":
		service, from = "m365", "app@contoso.example"
		opts = []lab.Option{lab.TokenEndpoint(), lab.Relay(service, lab.TakesTokens(func() *lab.Identity { return l.World.Identity() }, from))}
	}
	l = lab.New(t, append([]lab.Option{lab.Cloud("aws"), lab.MailExchangers(), lab.Port25(lab.Dropped), lab.Postfix()}, opts...)...)
	s := &server{Server: l.Server, t: t}
	const path = "/usr/local/bin/relayhost-faults"
	s.program(path, program)
	relay := l.World.Relay(service)
	password := relay.Password
	credentials := "username=" + relay.Username + "\npassword="
	switch via {
	case "https":
		password = apitest.KeyOf(service)
	case "smtp-oauth":
		password = "Gehe1mClient~42"
		credentials = "mailbox=" + from + "\ntenant=contoso.example\nclient_id=7f3a0000-aaaa-bbbb-cccc-000000000001\nclient_secret="
	}
	s.WriteFile("/root/credentials", credentials+password+"\n", 0o600)
	setup := func(env ...string) lab.Result {
		return s.Do(lab.Command{Env: env, Args: append([]string{path, "setup", "--relay", service, "--from", from,
			"--credentials-file", "/root/credentials", "--yes", "--json"}, flags...)})
	}
	undo := func() {
		t.Helper()
		if r := s.Run(path, "rollback", "--all", "--yes"); r.Code != 0 {
			t.Fatalf("rollback: got %s, want success", r)
		}
	}
	files := []string{"/etc/postfix/main.cf", "/etc/postfix/master.cf"}
	read := func() (texts []string) {
		for _, name := range files {
			texts = append(texts, s.ReadFile(name))
		}
		return texts
	}
	old := read()
	s.tree = s.Tree(restoredPaths...)
	if r := setup("RELAYHOST_OPS=/root/ops"); r.Code != 0 {
		t.Fatalf("setup: got %s, want success", r)
	}
	which.some = spread(make([]string, strings.Count(s.ReadFile("/root/ops"), "\n")), 3)
	changed := read()
	undo()
	s.restored("set up and rolled back")
	points(t, which, func(n int) bool {
		point := fmt.Sprintf("setup killed at change %d", n)
		r := setup("RELAYHOST_KILL_AT=" + strconv.Itoa(n))
		if r.Code != 0 && r.Code != 137 {
			t.Errorf("%s: got %s, want exit code 0 or 137", point, r)
			return true
		}
		for i, text := range read() {
			if text != old[i] && text != changed[i] {
				t.Errorf("%s: %s: want the old or the new text, got\n%s", point, files[i], text)
			}
		}
		if c := s.Run("postfix", "check"); c.Code != 0 {
			t.Errorf("%s: postfix check: got %s, want success", point, c)
		}
		s.SendMail("root@host.example.com", "root@host.example.com", "message "+strconv.Itoa(s.sent))
		s.sent++
		found := s.Run("sh", "-c", "grep -rlZF '"+password+"' /etc /var /run /tmp /root | xargs -0r -I{} find {} -perm /037")
		if found.Stdout != "" {
			t.Errorf("%s: others can read %s, want none", point, found.Stdout)
		}
		if r.Code != 0 {
			s.watched(point)
		}
		undo()
		s.restored(point)
		if left := s.Run("pgrep", "-af", "postfix-relayhost|watch-transaction"); left.Code != 1 {
			t.Errorf("%s: got processes that still run, want none: %s", point, left)
		}
		return r.Code != 0
	})
	// A whole run sweeps what is left of all the dead ones.
	if r := setup(); r.Code != 0 {
		t.Fatalf("setup at the end: got %s, want success", r)
	}
	if left := s.Shell("find / -xdev -name '.relayhost.*' 2>/dev/null; ls -d /var/lib/relayhost/[!hlm]* /tmp/* 2>/dev/null; true"); strings.TrimSpace(left) != "" {
		t.Errorf("got these left behind, want none:\n%s", left)
	}
	undo()
	s.restored("at the end")
	s.delivered()
}
