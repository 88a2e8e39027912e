//go:build lab

package postfix_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"relayhost/internal/host"
	"relayhost/internal/lint"
	"relayhost/internal/maillog"
	"relayhost/internal/postfix"
)

// onServer keeps the tests below from touching the machine that builds them.
func onServer(t *testing.T) context.Context {
	t.Helper()
	if os.Getenv(insideEnv) == "" {
		t.Skip("runs on a server of the lab, started by TestLabServer")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func command(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: got the error %v, want none\n%s", args, err, out)
	}
	return string(out)
}

func read(t *testing.T, dir string) postfix.State {
	t.Helper()
	start := time.Now()
	s, err := postfix.Read(t.Context(), &host.Reader{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("Read(%q) took %v", dir, time.Since(start))
	return s
}

func TestInsideStopped(t *testing.T) {
	onServer(t)
	if s := read(t, ""); s.Running || !s.Installed {
		t.Errorf("before the start: got running %v, installed %v, want only installed", s.Running, s.Installed)
	}
}

func TestInsideRead(t *testing.T) {
	onServer(t)
	s := read(t, "")
	if !s.Installed || !s.Running || !s.Version.AtLeast(3, 4) || s.ConfigDir != "/etc/postfix" || s.QueueDir != "/var/spool/postfix" ||
		s.MailOwner != "postfix" || s.FQDN != "host.example.com" || s.CAFile != "/etc/ssl/certs/ca-certificates.crt" {
		t.Errorf("Read: got installed %v, running %v, version %v, directories %q and %q, mail owner %q, FQDN %q, CA file %q, "+
			"want true, true, at least 3.4, %q and %q, %q, %q, %q",
			s.Installed, s.Running, s.Version, s.ConfigDir, s.QueueDir, s.MailOwner, s.FQDN, s.CAFile,
			"/etc/postfix", "/var/spool/postfix", "postfix", "host.example.com", "/etc/ssl/certs/ca-certificates.crt")
	}
	if !slices.Contains(s.MapTypes, "texthash") || !slices.Contains(s.MapTypes, s.DefaultMap) || !slices.Contains(s.SASLTypes, "cyrus") ||
		!slices.Contains(s.SASLPlugins, "PLAIN") || !slices.Contains(s.SASLPlugins, "LOGIN") {
		t.Errorf("maps %q (%s), SASL %q %q, want %q in it and %q in it and %q in it and %q in it", s.MapTypes, s.DefaultMap, s.SASLTypes, s.SASLPlugins, "texthash", "cyrus", "PLAIN", "LOGIN")
	}
	for _, path := range []string{"/etc/aliases", "/etc/postfix/sasl_passwd", "/etc/postfix/policy"} {
		if len(s.Maps[path]) == 0 || s.MapMeta[path].Mode == 0 {
			t.Errorf("got nothing of %s, want it read", path)
		}
	}
	if _, ok := s.Master.Get("tlsproxy", "unix"); ok {
		t.Error("got no tlsproxy, want it: it is commented out")
	}
	if got, _ := s.Main.Get("smtp_sasl_password_maps"); got != s.Params["smtp_sasl_password_maps"] {
		t.Errorf("main.cf: got %q, want %q as postconf has it", got, s.Params["smtp_sasl_password_maps"])
	}
	if s.MainMeta.Mode.Perm() != 0o644 || len(s.Params) < 900 {
		t.Errorf("mode %v, %d parameters, want at least 900", s.MainMeta.Mode, len(s.Params))
	}
}

func TestInsideReadAsNobody(t *testing.T) {
	onServer(t)
	s := read(t, "")
	if !s.Running || !slices.Equal(s.Unreadable, []string{"/etc/postfix/sasl_passwd"}) {
		t.Errorf("running %v, unreadable %q, want %q", s.Running, s.Unreadable, []string{"/etc/postfix/sasl_passwd"})
	}
}

func TestInsideUnusable(t *testing.T) {
	ctx := onServer(t)
	for _, tc := range []struct {
		name    string
		prepare func(path string) error
		want    func(error) bool
	}{
		{"syntax", func(path string) error { return os.WriteFile(path, []byte("relayhost\n"), 0o644) }, func(err error) bool {
			var syntax *postfix.SyntaxError
			return errors.As(err, &syntax) && syntax.Line == 1
		}},
		{"missing", func(string) error { return nil }, func(err error) bool { return errors.Is(err, fs.ErrNotExist) }},
		{"FIFO", func(path string) error { return syscall.Mkfifo(path, 0o644) }, func(err error) bool { return errors.Is(err, host.ErrNotRegular) }},
		{"bad value", func(path string) error { return os.WriteFile(path, []byte("inet_protocols = ipv7\n"), 0o644) }, func(err error) bool {
			return strings.Contains(err.Error(), "ipv7")
		}},
		// Of which main.cf.dist is full: postconf -x takes it.
		{"empty value", func(path string) error { return os.WriteFile(path, []byte("setgid_group =\n"), 0o644) }, func(err error) bool {
			return strings.Contains(err.Error(), "setgid_group")
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "main.cf")
			if err := errors.Join(tc.prepare(path), os.WriteFile(filepath.Join(dir, "master.cf"), nil, 0o644)); err != nil {
				t.Fatal(err)
			}
			past := time.Now().Add(-time.Hour)
			_ = os.Chtimes(path, past, past)
			s, err := postfix.Read(ctx, &host.Reader{}, dir)
			var config *postfix.ConfigError
			if !errors.As(err, &config) || !tc.want(err) || !s.Installed || s.ConfigDir != dir {
				t.Errorf("got the error %v, installed %v and directory %q, want a ConfigError that this case takes, true and %q", err, s.Installed, s.ConfigDir, dir)
			}
		})
	}
}

// TestInsideMail follows one message through the log to its end, and finds
// another in the queue.
func TestInsideMail(t *testing.T) {
	ctx := onServer(t)
	r, s := &host.Reader{}, read(t, "")
	log, err := maillog.Find(ctx, r, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Log("log:", log)
	lines, err := log.Follow(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	id := fmt.Sprintf("%d@probe.test", time.Now().UnixNano())
	message := "Message-ID: <" + id + ">\nSubject: x\n\nx\n"
	command(t, message, "sendmail", "-i", "-f", "root@host.example.com", "--", "root@host.example.com", "nobody@deferred.test")
	var queueID string
	var deliveries []maillog.Delivery
	for l := range lines {
		if got, ok := maillog.MessageID(l.Text); ok && got == id {
			queueID = l.QueueID
		}
		if d, ok := maillog.ParseDelivery(l.Text); ok && l.QueueID == queueID && queueID != "" {
			deliveries = append(deliveries, d)
			t.Logf("%s %v late: %+v", l.Tag, time.Since(l.Time).Round(time.Millisecond), d)
			if len(deliveries) == 2 {
				break
			}
		}
	}
	slices.SortFunc(deliveries, func(a, b maillog.Delivery) int { return strings.Compare(b.Status, a.Status) })
	if len(deliveries) != 2 || deliveries[0].Status != "sent" || deliveries[0].Relay != "local" || deliveries[1].Status != "deferred" || deliveries[1].Reply == "" {
		t.Fatalf("message %q: got the deliveries %+v, want one sent by %q and one deferred with a reply", queueID, deliveries, "local")
	}
	queue, err := postfix.ReadQueue(ctx, r, "")
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(queue, func(m postfix.QueuedMessage) bool { return m.ID == queueID })
	if i < 0 || queue[i].Sender != "root@host.example.com" || queue[i].Size == 0 || time.Since(queue[i].Arrival) > time.Minute ||
		len(queue[i].Recipients) != 1 || queue[i].Recipients[0].Address != "nobody@deferred.test" {
		t.Errorf("queue: got %+v, want %s of the last minute in it, with a size, from %q, to %q alone",
			queue, queueID, "root@host.example.com", "nobody@deferred.test")
	}
	command(t, "", "postsuper", "-d", queueID)
}

// TestInsideTables holds the parser of table sources and
// the names of compiled files against the real postmap.
func TestInsideTables(t *testing.T) {
	ctx := onServer(t)
	s := read(t, "")
	passwords := []string{"plain", "p#a:s{s}$x", `q"uo\te'`, " leading", "inner  blanks\tand tab", "pässwört€", "$mydomain ${x}", "#", ":", strings.Repeat("x", 1024), "{", "\\"}
	text := "# comment\n\"open quote v\nnovalue\n[dup.test]:587 first:counts\n[DUP.test]:587 second:not\n[Upper.Test]:587\tu:p\n[long.test]:587 a:b\n# c\n\n  continued\n"
	source, err := postfix.ParseSource([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	keys := []string{"[dup.test]:587", "[upper.test]:587", "[long.test]:587", "novalue", `"open`}
	for i, password := range passwords {
		key := fmt.Sprintf("[p%d.test]:587", i)
		source.Set(key, "user:"+password)
		keys = append(keys, key)
		if got, _ := source.Get(key); got != "user:"+password {
			t.Errorf("password %d: got another value of %d bytes, want the %d that were stored", i, len(got), len("user:"+password))
		}
	}
	checked := 0
	for _, typ := range []string{"hash", "btree", "lmdb", "cdb", "texthash"} {
		if !slices.Contains(s.MapTypes, typ) {
			continue
		}
		t.Run(typ, func(t *testing.T) {
			table := postfix.Table{Type: typ, Path: filepath.Join(t.TempDir(), "sasl")}
			if err := os.WriteFile(table.Path, source.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			if table.Index() != "" {
				command(t, "", "postmap", table.String())
				if _, err := os.Stat(table.Index()); err != nil {
					t.Error(err)
				}
			}
			out, err := (&host.Reader{}).Query(ctx, host.PostmapGet("", table.String(), keys...))
			if err != nil {
				t.Fatal(err)
			}
			answers := make(map[string]string)
			for line := range strings.Lines(string(out.Stdout)) {
				key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
				answers[key] = value
			}
			for _, key := range keys {
				want, known := source.Get(key)
				if got, ok := answers[key]; ok != known || got != want {
					t.Errorf("postmap finds %q (%v) for %q, we %q (%v)", got, ok, key, want, known)
				}
				checked++
			}
		})
	}
	t.Logf("%d look-ups agree with postmap", checked)
}

// TestInsideValidate breaks a configuration in ways that "postfix check" lets
// pass, and that the validator must find.
func TestInsideValidate(t *testing.T) {
	ctx := onServer(t)
	r := &host.Reader{}
	good := map[string]string{
		"relayhost": "[relay.test]:587", "default_transport": "relayhost-x", "smtp_sasl_auth_enable": "yes",
		"smtp_sasl_password_maps": "texthash:/etc/postfix/good", "smtp_tls_policy_maps": "texthash:/etc/postfix/goodpolicy",
	}
	service := postfix.Service{Name: "relayhost-x", Type: "unix", Chroot: "n", Command: "smtp", Options: []postfix.Option{
		{Name: "smtp_tls_CAfile", Value: "/etc/ssl/certs/ca-certificates.crt"}, {Name: "smtp_sasl_tls_verified_security_options", Value: "noanonymous"},
	}}
	for path, text := range map[string]string{"/etc/postfix/good": "[relay.test]:587 u:p\n", "/etc/postfix/goodpolicy": "[relay.test]:587 secure\n", "/tmp/empty.pem": ""} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	base := read(t, "")
	for _, tc := range []struct{ name, parameter, value, want string }{
		{"good", "", "", ""},
		{"level", "smtp_tls_security_level", "encrypted", "none of"},
		{"empty boolean", "smtp_use_tls", "", "is not yes or no"},
		{"time", "smtp_helo_timeout", "soon", "is not a time"},
		{"number", "smtp_line_length_limit", "wide", "is not a number"},
		{"SASL option", "smtp_sasl_security_options", "noplaintxt", "none of"},
		{"bracket", "relayhost", "[relay.test:587", "bracket"},
		{"next hop", "relayhost", "relay.test:587", "not the next hop"},
		{"missing map", "smtp_sasl_password_maps", "texthash:/etc/postfix/none", "/etc/postfix/none"},
		{"map without index", "smtp_generic_maps", "hash:/etc/postfix/good", "/etc/postfix/good.db"},
		{"map type", "smtp_generic_maps", "nosuch:/etc/postfix/good", "unsupported dictionary type"},
		{"CA file missing", "-o smtp_tls_CAfile", "/etc/none.pem", "no such file"},
		{"CA file empty", "-o smtp_tls_CAfile", "/tmp/empty.pem", "holds no certificate"},
		{"override", "-o smtp_sasl_auth_enable", "no", "no password"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			main, master, entry := base.Main.Clone(), base.Master.Clone(), service
			for name, value := range good {
				main.Set(name, value)
			}
			if name, ok := strings.CutPrefix(tc.parameter, "-o "); ok {
				entry.Options = append(slices.Clone(service.Options), postfix.Option{Name: name, Value: tc.value})
			} else if tc.parameter != "" {
				main.Set(tc.parameter, tc.value)
			}
			master.Set(entry)
			dir := t.TempDir()
			for name, text := range map[string][]byte{"main.cf": main.Bytes(), "master.cf": master.Bytes()} {
				path := filepath.Join(dir, name)
				if err := os.WriteFile(path, text, 0o644); err != nil {
					t.Fatal(err)
				}
				past := time.Now().Add(-time.Hour)
				_ = os.Chtimes(path, past, past)
			}
			state := read(t, dir)
			found, err := postfix.Validate(ctx, r, postfix.Staged{State: state, Meant: []lint.Route{{Service: "relayhost-x", Hops: []lint.Hop{{NextHop: "[relay.test]:587"}}}}})
			if err != nil {
				t.Fatal(err)
			}
			fatal := slices.DeleteFunc(found, func(p lint.Finding) bool { return p.Severity != lint.Error })
			if tc.want == "" && len(fatal) > 0 || tc.want != "" && !slices.ContainsFunc(fatal, func(p lint.Finding) bool { return strings.Contains(p.Detail, tc.want) }) {
				t.Errorf("found %v, want %q", fatal, tc.want)
			}
			if out, err := exec.Command("postconf", "-c", dir, "-n").CombinedOutput(); err != nil {
				t.Errorf("postconf -n: got %v, want no error: a fault that only the validation finds\n%s", err, out)
			}
		})
	}
}
