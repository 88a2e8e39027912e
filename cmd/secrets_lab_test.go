//go:build lab

package cmd_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"relayhost/internal/lab"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestLabSecrets: the password is in sasl_passwd and its map, both 0600 root,
// and nowhere else on the host, in no output and no process list.
func TestLabSecrets(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Relay("sendgrid"))
	s := l.Server
	password := credentials(l, "sendgrid", "")
	user := l.World.Relay("sendgrid").Username
	stop := make(chan struct{})
	seen := make(chan string, 2)
	go watchProcesses(s.Pid(), password, stop, seen)
	args := setupArgs(five[1], "--verbose")
	args[slices.Index(args, "/root/credentials")] = "-"
	res := s.RunInput("username="+user+"\npassword="+password+"\n", remove(args, "--json")...)
	close(stop)
	if res.Code != 0 {
		t.Fatalf("setup: want exit code 0, got %s", res)
	}
	s.Run("rm", "/root/credentials")
	if where := <-seen; where != "" {
		t.Errorf("the password was in the process list: got %s, want none", where)
	}
	plain := base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + password))
	for _, form := range []string{password, plain, base64.StdEncoding.EncodeToString([]byte(password))} {
		if strings.Contains(res.Stdout+res.Stderr, form) {
			t.Errorf("want no password (*** here) in the output, got %s", strings.ReplaceAll(res.String(), form, "***"))
		}
		// Everything that this server has written since it started.
		found := s.Shell("grep -rlF -- '" + form + "' /etc /var /root /tmp /run /home /usr/local 2>/dev/null || true")
		for path := range strings.FieldsSeq(found) {
			if path != "/etc/postfix/sasl_passwd" && path != "/etc/postfix/sasl_passwd.db" {
				t.Errorf("got the password in %s, want it in sasl_passwd and its compiled file alone", path)
			}
		}
	}
	for _, path := range []string{"/etc/postfix/sasl_passwd", "/etc/postfix/sasl_passwd.db"} {
		n := s.Tree(path)[path]
		if n.Mode.Perm() != 0o600 || n.UID != 0 || n.GID != 0 {
			t.Errorf("%s: got %s, want mode 0600 of root", path, n)
		}
	}
}

func remove(args []string, word string) []string {
	var out []string
	for _, a := range args {
		if a != word {
			out = append(out, a)
		}
	}
	return out
}

// watchProcesses looks for the word in the command lines and environments of
// the processes of a server: those in the namespace of its process 1.
func watchProcesses(pid1 int, word string, stop <-chan struct{}, seen chan<- string) {
	space := func(pid int) string {
		link, _ := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", pid))
		return link
	}
	server, setups := space(pid1), 0
	for {
		select {
		case <-stop:
			if setups == 0 {
				seen <- "setup itself was not among the processes"
			}
			seen <- ""
			return
		default:
		}
		entries, _ := os.ReadDir("/proc")
		for _, e := range entries {
			pid, err := strconv.Atoi(e.Name())
			if err != nil || space(pid) != server {
				continue
			}
			for _, file := range []string{"cmdline", "environ"} {
				if data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file)); strings.Contains(string(data), word) {
					seen <- strings.ReplaceAll(string(data), "\x00", " ")
					return
				} else if strings.Contains(string(data), "relayhost\x00setup\x00") {
					setups++
				}
			}
		}
		time.Sleep(time.Millisecond)
	}
}

// TestLabCompiledMap: what is compiled from the passwords ends 0600 although it
// was looser before, is there again when it was gone or its source was edited,
// and holds no password of the past.
func TestLabCompiledMap(t *testing.T) {
	t.Parallel()
	for _, suite := range suitesOf() {
		t.Run(string(suite), func(t *testing.T) {
			t.Parallel()
			l := newLab(t, lab.On(suite), lab.Relay("sendgrid"))
			s := l.Server
			old := "[smtp.sendgrid.net]:587 apikey:the-password-of-an-old-tutorial\n"
			s.WriteFile("/etc/postfix/sasl_passwd", old, 0o644) // somebody else's, which stays
			s.Shell("type=$(postconf -hx default_database_type); postconf -e smtp_sasl_password_maps=$type:/etc/postfix/sasl_passwd; postmap $type:/etc/postfix/sasl_passwd")
			credentials(l, "sendgrid", "")
			if res := l.Run(setupArgs(five[1])...); res.Code != 0 {
				t.Fatalf("setup: want exit code 0, got %s", res)
			}
			compiled := strings.Fields(s.Shell("ls /etc/postfix/relayhost_sasl_passwd.*"))
			if len(compiled) != 1 {
				t.Fatalf("got the compiled files %q, want one", compiled)
			}
			sound := func(when string) {
				t.Helper()
				for _, path := range []string{"/etc/postfix/relayhost_sasl_passwd", compiled[0]} {
					if n, ok := s.Tree(path)[path]; !ok || n.Mode.Perm() != 0o600 || n.UID != 0 || n.GID != 0 {
						t.Errorf("%s: %s: got %s, want mode 0600 of root", when, path, n)
					}
				}
				if now := s.ReadFile("/etc/postfix/sasl_passwd"); now != old {
					t.Errorf("%s: sasl_passwd: got another text of %d bytes, want the %d of before", when, len(now), len(old))
				}
				if found := s.Shell("grep -rlF the-password-of-an-old-tutorial /etc/postfix | grep -v '/sasl_passwd' || true"); found != "" {
					t.Errorf("%s: the old password is in %s, want none", when, found)
				}
			}
			sound("set up")
			for _, spoil := range []string{"chmod 644 ", "rm ", "touch -d '1 hour ago' "} {
				t.Run(strings.TrimSpace(spoil), func(t *testing.T) {
					s.Shell(spoil + compiled[0])
					res := l.Run(setupArgs(five[1])...)
					if doc := decode[setupResult](t, res); res.Code != 0 || doc.Result != "applied" {
						t.Errorf("%s: want exit code 0 and the result %q, got %s", spoil, "applied", res)
					}
					sound(spoil)
				})
			}
			res := l.Run(setupArgs(five[1])...)
			if doc := decode[setupResult](t, res); doc.Result != "unchanged" {
				t.Errorf("once more: want the result %q, got %s", "unchanged", res)
			}
		})
	}
}
