//go:build lab

package cmd_test

import (
	"strings"
	"testing"

	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
)

// TestLabInstances sets up the second instance of a server with two, and leaves
// the first alone (postmulti(1)).
func TestLabInstances(t *testing.T) {
	t.Parallel()
	for _, suite := range suitesOf() {
		t.Run(string(suite), func(t *testing.T) {
			t.Parallel()
			var l *lab.Lab
			l = newLab(t, lab.On(suite), lab.Systemd(), lab.Relay("sendgrid"), lab.TokenEndpoint(),
				lab.Relay("m365", lab.TakesTokens(func() *lab.Identity { return l.World.Identity() }, mailbox)))
			s := l.Server
			credentials(l, "sendgrid", "")
			s.Shell(`postmulti -e init && postmulti -I postfix-out -e create &&
				postmulti -i postfix-out -x postconf -e inet_interfaces=loopback-only master_service_disable= syslog_name=postfix-out && postmulti -i postfix-out -x postconf -e alias_maps= alias_database= &&
				sed -i 's/^smtp  *inet/#&/' /etc/postfix-out/master.cf && postmulti -i postfix-out -e enable && systemctl daemon-reload && systemctl restart postfix`)
			trees := []string{"/etc/postfix", "/etc/postfix-out", "/etc/relayhost", "/var/lib/postfix-relayhost-bridge"}
			first, both := s.Tree("/etc/postfix"), s.Tree(trees...)
			dir := []string{"--config-dir", "/etc/postfix-out"}
			run := func(args ...string) lab.Result { return l.Run(append(args, dir...)...) }

			if res := l.Run(append(setupArgs(five[1]), "--dry-run")...); !strings.Contains(res.Stdout, "/etc/postfix-out") {
				t.Errorf("the first instance is taken, and the second not named: want %q in stdout, got %s", "/etc/postfix-out", res)
			}
			for _, stop := range []string{"true", "postmulti -i postfix-out -p stop"} {
				s.Shell(stop)
				res := run(setupArgs(five[1])...)
				if res.Code != 0 || decode[setupResult](t, res).Verification.Findings[0].Result != "pass" {
					t.Fatalf("%s: setup: want exit code 0 and the result %q of the proof, got %s\n%s", stop, "pass", res, s.Shell("postmulti -l; systemctl --no-pager status postfix@postfix-out || true; journalctl --no-pager -n 60"))
				}
				if d := first.Diff(s.Tree("/etc/postfix")); d != "" {
					t.Errorf("%s: the first instance has changed: got\n%s\nwant none", stop, d)
				}
				if state := s.Run("sh", "-c", "systemctl is-active 'postfix@*out.service'"); state.Code != 0 {
					t.Errorf("%s: the unit of the instance: want exit code 0, got %s", stop, state)
				}
				for _, args := range [][]string{{"relayhost", "verify"}, {"relayhost", "status"}} {
					if res := run(args...); res.Code != 0 {
						t.Errorf("%s: want exit code 0, got %s", stop, res)
					}
				}
				if res := run("relayhost", "rollback", "--all", "--yes"); res.Code != 0 {
					t.Errorf("%s: rollback: want exit code 0, got %s", stop, res)
				}
				if d := both.Diff(s.Tree(trees...)); d != "" {
					t.Errorf("%s: rolled back, but: got\n%s\nwant none", stop, d)
				}
				if res := s.Run("postfix", "-c", "/etc/postfix-out", "status"); res.Code != 0 {
					t.Errorf("%s: the instance: want exit code 0, got %s", stop, res)
				}
			}
			twoBridges(t, l, trees)
		})
	}
}

// twoBridges sets both instances up with a mailbox each at one relay: each has a bridge of
// its own, sends as its own mailbox, and goes without the other.
func twoBridges(t *testing.T, l *lab.Lab, trees []string) {
	s, m365, identity := l.Server, l.World.Relay("m365"), l.World.Identity()
	m365.Configure(func(c *smtpd.Config) {
		c.Token = func(user, token string) *smtpd.Reply {
			if !identity.Valid(token) || !strings.HasSuffix(user, "@contoso.example") {
				return &smtpd.Reply{Code: 535, Enhanced: "5.7.3", Text: "Authentication unsuccessful"}
			}
			return nil
		}
	})
	run := func(dir string, args ...string) lab.Result {
		t.Helper()
		res := l.Run(append(append([]string{"/usr/local/bin/relayhost"}, args...), "--config-dir", dir)...)
		if res.Code != 0 {
			t.Fatalf("%s: %v: want exit code 0, got %s\n%s", dir, args, res, s.Shell("journalctl --no-pager -n 60"))
		}
		return res
	}
	s.Shell("postconf -c /etc/postfix-out -e mydestination= authorized_submit_users=root") // it sends, and receives for nobody
	const home = "/var/lib/postfix-relayhost-bridge"
	instances := []struct{ dir, mailbox, bridge string }{{"/etc/postfix", mailbox, "m365"}, {"/etc/postfix-out", "shop@contoso.example", "m365_postfix-out"}}
	tree := func() lab.Tree { // without the tokens, which are renewed
		s.Shell("rm -rf " + home + "/state/* " + home + "/*.state/*")
		return s.Tree(trees...)
	}
	setUp := func(dir, mailbox string) lab.Result {
		t.Helper()
		s.WriteFile("/root/m365.txt", "mailbox="+mailbox+"\ntenant=contoso.example\nclient_id="+clientID+"\nclient_secret="+clientSecret+"\n", 0o600)
		return run(dir, "setup", "--relay", "m365", "--from", mailbox, "--to", "ops@example.net", "--credentials-file", "/root/m365.txt", "--yes")
	}
	var before []lab.Tree
	for _, in := range instances {
		before = append(before, tree())
		res := setUp(in.dir, in.mailbox)
		if told := strings.Contains(flat(res.Stderr), flat("relayhost.toml was last written for the Postfix in /etc/postfix:")); told != (in.bridge != "m365") {
			t.Errorf("%s: told of the answers of the other instance: got %t, want %t: %s", in.dir, told, in.bridge != "m365", res)
		}
		if conf := s.ReadFile(home + "/" + in.bridge + ".conf"); !strings.Contains(conf, in.mailbox) {
			t.Errorf("%s: bridge %s: want the mailbox %s in\n%s", in.dir, in.bridge, in.mailbox, conf)
		}
	}
	for _, in := range instances {
		had := len(m365.Mailbox())
		s.Shell(`printf 'To: one@example.net\nSubject: hello\n\nx\n' | sendmail -C ` + in.dir + ` -f root one@example.net`)
		if m := waitMessages(t, l, "m365", had+1)[had]; m.From != in.mailbox || m.Session.Username != in.mailbox {
			t.Errorf("%s: got mail from %s by a login as %s, want %s", in.dir, m.From, m.Session.Username, in.mailbox)
		}
		run(in.dir, "verify")
		run(in.dir, "sign-in")
	}
	if list := run(instances[0].dir, "rollback", "--list"); strings.Count(list.Stdout, " in /etc/postfix-out\n") != 1 {
		t.Errorf("rollback --list: got %s, want one of two changes with %q", list, "/etc/postfix-out")
	}
	if status := run(instances[0].dir, "status"); !strings.Contains(status.Stdout, "rollback --to ") || !strings.Contains(status.Stdout, "was last written for the Postfix in /etc/postfix-out") {
		t.Errorf("status of the first: got %s, want its own change, and that the other one came later", status)
	}
	if res := l.Run("/usr/local/bin/relayhost", "rollback", "--yes", "--config-dir", "/etc/postfix"); res.Code != 1 || !strings.Contains(flat(res.Stderr), flat("is one of the Postfix in /etc/postfix-out, not of that in /etc/postfix")) {
		t.Errorf("rollback of the first: want exit code 1 and which instance the last change is of, got %s", res)
	}
	for i := len(instances) - 1; i >= 0; i-- {
		run(instances[i].dir, "rollback", "--yes")
		if d := before[i].Diff(tree()); d != "" {
			t.Errorf("%s: rolled back, but: got\n%s\nwant none", instances[i].dir, d)
		}
	}
	for _, in := range instances {
		setUp(in.dir, in.mailbox)
	}
	// Both at once, each by its own Postfix.
	s.Shell("journalctl --rotate --vacuum-time=1s >/dev/null 2>&1")
	all := run(instances[0].dir, "rollback", "--all", "--yes")
	if d := before[0].Diff(tree()); d != "" {
		t.Errorf("all rolled back, but: got\n%s\nwant none", d)
	}
	log := s.Shell("journalctl --no-pager -o cat -t postfix/master -t postfix-out/master -t postfix/postfix-script -t postfix-out/postfix-script | cat")
	for _, in := range instances {
		if !strings.Contains(all.Stdout, "restored in "+in.dir+": ") || !strings.Contains(log, "configuration "+in.dir+"\n") {
			t.Errorf("%s: got %s and the log\n%s\nwant it restored and reloaded", in.dir, all, log)
		}
	}
}
