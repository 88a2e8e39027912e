package evidence

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"relayhost/internal/explain"
	"relayhost/internal/host"
	"relayhost/internal/postfix"
	"relayhost/internal/setup"
)

// What a host without Postfix needs to look like one with it: postconf(1) and
// postqueue(1) print files.
var programs = map[string]string{
	"postconf": `#!/bin/sh
root=$(cd "$(dirname "$0")/../.." && pwd)
[ "$1" = -c ] && shift 2
case $1 in
-x) cat "$root/usr/share/postfix.defaults"; grep . "$root/etc/postfix/main.cf" ;;
-n) grep . "$root/etc/postfix/main.cf" ;;
-M) grep . "$root/etc/postfix/master.cf" ;;
-m) printf 'hash\nstatic\n' ;;
-A) echo cyrus ;;
esac
`,
	"postqueue": `#!/bin/sh
cat "$(dirname "$0")/../../queue.json"
`,
}

const (
	masterPid = "/var/spool/postfix/pid/master.pid"

	mainCF   = "relayhost = [smtp.example.net]:587\nsmtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd\nmaillog_file = /var/log/mail.log\n"
	masterCF = "smtp unix - - y - - smtp\n"
	defaults = "mail_version = 3.7.11\nconfig_directory = /etc/postfix\nqueue_directory = /var/spool/postfix\ndata_directory = /var/lib/postfix\n" +
		"daemon_directory = /usr/lib/postfix/sbin\nmail_owner = postfix\ndefault_database_type = hash\n"
	queued = `{"queue_name": "deferred", "queue_id": "4F1D12D", "arrival_time": 1795846800, "message_size": 300, "sender": "root@example.com", ` +
		`"recipients": [{"address": "you@example.net", "delay_reason": "connect to smtp.example.net[192.0.2.7]:587: Connection timed out"}]}` + "\n"
)

// What Postfix logs of a wrong main.cf, and when it does not run.
const (
	syntax = "Nov 28 05:00:00 web1 postfix/sendmail[8]: fatal: /etc/postfix/main.cf, line 24: missing '=' after attribute name: \"garbage\"\n"
	down   = "Nov 28 06:01:00 web1 postfix/postqueue[9]: warning: Mail system is down -- accessing queue directly\n"
)

// refused is a line of the mail log of a host.
func refused(host string) string {
	return "Nov 28 06:00:00 " + host + " postfix/smtp[9]: 4F1D12C: to=<you@example.net>, relay=smtp.example.net[192.0.2.7]:587, delay=1, delays=0/0/1/0, dsn=4.7.8, " +
		"status=deferred (SASL authentication failed; server smtp.example.net[192.0.2.7] said: 535 5.7.8 Authentication credentials invalid)\n"
}

// newHost is a directory that stands for a host; files are over those that it has, and
// "" takes one away. told is what it warned of.
func newHost(t *testing.T, files map[string]string) (h Host, told *[]string) {
	t.Helper()
	root := t.TempDir()
	all := map[string]string{
		"/etc/postfix/main.cf": mainCF, "/etc/postfix/master.cf": masterCF, "/usr/share/postfix.defaults": defaults,
		"/etc/postfix/sasl_passwd": "[smtp.example.net]:587 joe:pw\n", "/etc/postfix/sasl_passwd.db": "compiled",
		"/etc/hostname": "web1.example.com\n", "/queue.json": "", "/var/log/mail.log": refused("web1"), masterPid: "1\n",
	}
	for name, text := range programs {
		all["/usr/bin/"+name] = text
	}
	for path, text := range files {
		if all[path] = text; text == "" {
			delete(all, path)
		}
	}
	for path, text := range all {
		real := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(real), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(real, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if f, err := os.Open(filepath.Join(root, masterPid)); err == nil { // as master(8) does as long as it lives
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
	}
	told = &[]string{}
	r := &host.Reader{Root: root, Path: filepath.Join(root, "usr/bin") + ":/usr/bin:/bin"}
	return Host{Reader: r, Limit: 10 * time.Second, Warn: func(format string, args ...any) {
		*told = append(*told, fmt.Sprintf(format, args...))
	}}, told
}

// causes are the IDs of the causes in the order of the groups, with "+" those that follow.
func causes(c *explain.Collector) (ids []string) {
	for _, g := range c.Groups() {
		id := g.Cause.ID
		for _, f := range g.Follows {
			id += "+" + f.ID
		}
		ids = append(ids, id)
	}
	return ids
}

// Collect reads the log and the queue, and goes on without what cannot be read while
// the rest tells of something.
func TestCollect(t *testing.T) {
	for _, test := range []struct {
		name  string
		files map[string]string
		want  string // causes
		warn  string // part of the one warning
	}{
		{"a log", nil, "auth_535_generic", ""},
		{"a queue", map[string]string{"/var/log/mail.log": "\n", "/queue.json": queued}, "net_timeout", ""},
		{"a log and a queue", map[string]string{"/queue.json": queued}, "net_timeout auth_535_generic", ""},
		{"a queue without a log", map[string]string{"/var/log/mail.log": "", "/queue.json": queued}, "net_timeout", "the mail log cannot be read"},
		{"a log without a queue", map[string]string{"/queue.json": ""}, "auth_535_generic", "the queue cannot be read"},
		{"Postfix does not run", map[string]string{"/var/log/mail.log": "\n", masterPid: ""}, "postfix_down", ""},
		{"what the files show", map[string]string{"/var/log/mail.log": "\n", "/etc/postfix/sasl_passwd.db": ""}, "map_db_missing", ""},
		{"what the files show, and Postfix does not run", map[string]string{"/var/log/mail.log": "\n", "/etc/postfix/sasl_passwd.db": "", masterPid: ""}, "map_db_missing postfix_down", ""},
		{"a login that fails, and Postfix does not run", map[string]string{"/var/log/mail.log": refused("web1") + down, masterPid: ""}, "auth_535_generic postfix_down", ""},
		{"Postfix does not run for a wrong main.cf", map[string]string{"/var/log/mail.log": syntax + down, masterPid: ""}, "maincf_syntax+postfix_down", ""},
		{"an option of master.cf that is no name=value", map[string]string{"/var/log/mail.log": "\n", "/etc/postfix/master.cf": masterCF + "submission inet n - y - - smtpd\n  -o smtpd_tls_wrappermode = yes\n"}, "mastercf_syntax", ""},
		{"a wrong master.cf under a Postfix that runs", map[string]string{"/etc/postfix/master.cf": "smtp unix\n", "/queue.json": queued}, "net_timeout", "the mail log cannot be read"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, told := newHost(t, test.files)
			var c explain.Collector
			if err := h.Collect(t.Context(), &c); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(causes(&c), " "); got != test.want {
				t.Errorf("causes: got %q, want %q", got, test.want)
			}
			if got := strings.Join(*told, "\n"); (test.warn == "") != (got == "") || !strings.Contains(got, test.warn) {
				t.Errorf("warned: got %q, want %q", got, test.warn)
			}
			if len(c.Signs) == 0 && test.files["/etc/postfix/master.cf"] == "" {
				t.Error("signs: got none, want those of main.cf")
			}
		})
	}
}

// Where nothing is known of the host, the error says what to do.
func TestCollectNothing(t *testing.T) {
	for _, test := range []struct {
		name  string
		files map[string]string
		want  error // nil for any
		hint  string
	}{
		{"no Postfix", map[string]string{"/usr/bin/postconf": ""}, setup.ErrNoPostfix, "give the text as an argument"},
		{"no log and an empty queue", map[string]string{"/var/log/mail.log": "", "/queue.json": "\n"}, nil, "run it as root"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, _ := newHost(t, test.files)
			if test.name == "no Postfix" { // also none of the machine that the tests run on
				h.Path = filepath.Join(h.Root, "usr/bin")
			}
			err := h.Collect(t.Context(), &explain.Collector{})
			var hinted setup.HintedError
			if err == nil || test.want != nil && !errors.Is(err, test.want) || !errors.As(err, &hinted) || !strings.Contains(hinted.Hint, test.hint) {
				t.Errorf("got %v with the hint %q, want %v with %q", err, hinted.Hint, test.want, test.hint)
			}
		})
	}
}

// A text is held against this host where it can be of it.
func TestCheck(t *testing.T) {
	own, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, from string
		want       bool // whether the host was looked at
	}{
		{"a line of this host", own, true},
		{"a line of another host", "elsewhere", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, _ := newHost(t, nil)
			var c explain.Collector
			c.AddText(refused(test.from))
			h.Check(t.Context(), &c)
			if got := len(c.Signs) > 0; got != test.want {
				t.Errorf("signs of this host: got %v, want %v", c.Signs, test.want)
			}
		})
	}
}

// Follow hands on what is logged from now on.
func TestFollow(t *testing.T) {
	h, _ := newHost(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var c explain.Collector
	lines, log, err := h.Follow(ctx, &c)
	if err != nil {
		t.Fatal(err)
	}
	if log.File != "/var/log/mail.log" {
		t.Errorf("log: got %s, want that of maillog_file", log)
	}
	f, err := os.OpenFile(h.Real(log.File), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(strings.ReplaceAll(refused("web1"), "4F1D12C", "4F1D12E")); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case line := <-lines:
		if line.QueueID != "4F1D12E" {
			t.Errorf("got a line of %q, want the one that was added", line.QueueID)
		}
		if got := c.AddLine(line); len(got) == 0 || got[0].ID != "auth_535_generic" {
			t.Errorf("causes of it: got %v, want auth_535_generic", got)
		}
	case <-ctx.Done():
		t.Fatal("got no line before the deadline, want the one that was added")
	}
}

// What helps an instance of Postfix is told in commands for that one.
func TestCollectOfAnInstance(t *testing.T) {
	h, _ := newHost(t, map[string]string{"/var/log/mail.log": "\n", masterPid: "", "/etc/postfix-out/main.cf": mainCF, "/etc/postfix-out/master.cf": masterCF})
	for dir, want := range map[string]string{"": "postfix start", "/etc/postfix-out": "postfix -c /etc/postfix-out start"} {
		h.ConfigDir = dir
		var c explain.Collector
		if err := h.Collect(t.Context(), &c); err != nil {
			t.Fatal(err)
		}
		groups := c.Groups()
		if len(groups) != 1 || groups[0].Cause.ID != "postfix_down" || groups[0].Cause.Command != want {
			t.Errorf("--config-dir %q: got %+v, want postfix_down alone, with the command %q", dir, groups, want)
		}
	}
}

// A directory that was mistyped is a mistake, not a Postfix about which nothing is known.
func TestCollectOfNoInstance(t *testing.T) {
	h, _ := newHost(t, nil)
	h.ConfigDir = "/etc/postfix-nowhere"
	var unusable *postfix.ConfigError
	if err := h.Collect(t.Context(), &explain.Collector{}); !errors.As(err, &unusable) || unusable.Path != "/etc/postfix-nowhere/main.cf" {
		t.Errorf("got the error %v, want one about /etc/postfix-nowhere/main.cf", err)
	}
}
