package apply

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"relayhost/internal/host"
	"relayhost/internal/plan"
	"relayhost/internal/secret"
)

const (
	mainBefore = "# ours\nmyhostname = host.example.com\nmydestination = localhost\n"
	mainAdded  = "smtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd\n" +
		"relayhost = [relay.example.net]:587\n"
	mainAfter = mainBefore + mainAdded
	nextHop   = "[relay.example.net]:587"
)

// tree is a host in a directory: a small /etc/postfix, stub programs, no Postfix.
type tree struct {
	t    *testing.T
	h    *host.Host
	o    Options
	logs []string
}

func newTree(t *testing.T) *tree {
	t.Helper()
	root := t.TempDir()
	if dir, err := os.MkdirTemp("/dev/shm", "relayhost-test-"); err == nil {
		root = dir // syncing to a disk would make the tests slow, and prove nothing
		t.Cleanup(func() { os.RemoveAll(dir) })
	}
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	bin, err := filepath.Abs("testdata/bin")
	if err != nil {
		t.Fatal(err)
	}
	tr := &tree{t: t, h: &host.Host{Reader: host.Reader{Root: root, Path: bin + ":/usr/bin:/bin"}}}
	tr.o = Options{ConfigDir: "/etc/postfix", StateDir: "/var/lib/relayhost",
		Reload: func(context.Context) error { tr.logs = append(tr.logs, "reload"); return nil }}
	tr.mkdir("/var/lib")
	tr.mkdir("/etc/postfix")
	tr.write("/etc/postfix/main.cf", mainBefore, 0o644)
	tr.write("/etc/postfix/master.cf", "smtp unix - - y - - smtp\n", 0o644)
	return tr
}

// every is how far apart the changes are at which a test kills or fails a run: step, and
// far with -short, which "make check" asks for.
func every(step, far int) int {
	if testing.Short() {
		return far
	}
	return step
}

func (tr *tree) mkdir(path string) {
	tr.t.Helper()
	if err := os.MkdirAll(tr.h.Real(path), 0o755); err != nil {
		tr.t.Fatal(err)
	}
}

func (tr *tree) write(path, text string, mode fs.FileMode) {
	tr.t.Helper()
	if err := os.WriteFile(tr.h.Real(path), []byte(text), mode); err != nil {
		tr.t.Fatal(err)
	}
	if err := os.Chmod(tr.h.Real(path), mode); err != nil {
		tr.t.Fatal(err)
	}
}

func (tr *tree) read(path string) string {
	tr.t.Helper()
	data, err := tr.h.ReadFile(path)
	if err != nil {
		tr.t.Fatal(err)
	}
	return string(data)
}

// print lists every file with mode, owner and content, but for the state directory.
func (tr *tree) print() string {
	tr.t.Helper()
	var out string
	root := tr.h.Root
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		if rel == "var/lib/relayhost" {
			return fs.SkipDir
		}
		m, err := tr.h.Lstat("/" + rel)
		if err != nil {
			return err
		}
		text := ""
		if m.Mode.IsRegular() {
			text = tr.read("/" + rel)
			if len(text) > 200 {
				text = host.Sum([]byte(text))
			}
		}
		out += fmt.Sprintf("%s %v %d:%d %s %q\n", rel, m.Mode, m.UID, m.GID, m.Link, text)
		return nil
	})
	if err != nil {
		tr.t.Fatal(err)
	}
	return out
}

// plan is a setup with a secret, its compiled map, a new directory and main.cf.
func (tr *tree) plan(password string) plan.Plan { return driverPlan(tr.h, password, "") }

const masterAfter = "relayhost-example unix - - n - - smtp\n"

var (
	reService = regexp.MustCompile(`relayhost-\w+ unix .*\n`)
	reRelay   = regexp.MustCompile(`\[\w+\.example\.net\]`)
)

// withRelay is the new main.cf. Debian's empty relayhost goes: a second one
// would make every Postfix command log a warning.
func withRelay(old string) string {
	if strings.HasSuffix(old, mainAdded) {
		return old
	}
	return strings.Replace(old, "\nrelayhost = \n", "\n", 1) + mainAdded
}

// other turns what is for the relay of these tests into what is for another.
func other(relay, text string) string {
	if relay == "" {
		return text
	}
	return strings.ReplaceAll(strings.ReplaceAll(text, "relay.example.net", relay+".example.net"), "relayhost-example", "relayhost-"+relay)
}

// driverPlan adds a relay to the Postfix of h, in the place of one that is there:
// "" is the one that the constants here are for.
func driverPlan(h *host.Host, password, relay string) plan.Plan {
	nextHop := other(relay, nextHop)
	file := func(path string, edit func(string) string, mode fs.FileMode) plan.File {
		f := plan.File{Path: path, Action: plan.Create, Mode: mode, UID: os.Geteuid(), GID: os.Getegid()}
		if m, err := h.Stat(path); err == nil {
			f.Before, _ = h.ReadFile(path)
			f.Action, f.UID, f.GID = plan.Modify, m.UID, m.GID
		}
		f.After = []byte(edit(string(f.Before)))
		if f.Before != nil && string(f.Before) == string(f.After) {
			f.Action = plan.Unchanged
		}
		return f
	}
	text := func(s string) func(string) string { return func(string) string { return s } }
	once := func(s string) func(string) string {
		return func(old string) string { return strings.TrimSuffix(reService.ReplaceAllString(old, ""), s) + s }
	}
	withRelay := func(old string) string {
		return other(relay, withRelay(reRelay.ReplaceAllString(old, "[relay.example.net]")))
	}
	passwd := file("/etc/postfix/sasl_passwd", text(nextHop+" user:"+password+"\n"), 0o600)
	passwd.Secret, passwd.Map = true, "hash"
	passwd.Keys = map[string]secret.Value{nextHop: secret.New("user:" + password)}
	return plan.Plan{Routes: []plan.Route{{Hops: []plan.Hop{{Relay: "example", Host: "relay.example.net", Port: 587}}}}, Files: []plan.File{
		file("/etc/relayhost/relayhost.toml", text("relay = \"example\"\n"), 0o644),
		passwd,
		file("/etc/postfix/master.cf", once(other(relay, masterAfter)), 0o644),
		file("/etc/postfix/main.cf", withRelay, 0o644),
	}}
}
