package apply

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"relayhost/internal/host"
	"relayhost/internal/plan"
	"relayhost/internal/secret"
)

const (
	mainBefore = "# ours\nmyhostname = host.example.com\nmydestination = localhost\n"
	mainAfter  = mainBefore + "relayhost = [relay.example.net]:587\n"
	nextHop    = "[relay.example.net]:587"
)

// tree is a host in a folder: a small /etc/postfix, stub programs, no Postfix.
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

// print lists every file with mode, owner and content, but for the state folder.
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

// plan is a set-up with a secret, its compiled map, a new folder and main.cf.
func (tr *tree) plan(password string) plan.Plan {
	me, group := os.Geteuid(), os.Getegid()
	file := func(path, text string, mode fs.FileMode) plan.File {
		f := plan.File{Path: path, Action: plan.Create, After: []byte(text), Mode: mode, UID: me, GID: group}
		if before, err := tr.h.ReadFile(path); err == nil {
			f.Before, f.Action = before, plan.Modify
			if string(before) == text {
				f.Action = plan.Unchanged
			}
		}
		return f
	}
	passwd := file("/etc/postfix/sasl_passwd", nextHop+" user:"+password+"\n", 0o600)
	passwd.Secret, passwd.Map = true, "hash"
	passwd.Keys = map[string]secret.Value{nextHop: secret.New("user:" + password)}
	return plan.Plan{Relay: "example", Host: "relay.example.net", Port: 587, Files: []plan.File{
		file("/etc/relayhost/relayhost.toml", "relay = \"example\"\n", 0o644),
		passwd,
		file("/etc/postfix/master.cf", "smtp unix - - y - - smtp\nrelayhost-example unix - - n - - smtp\n", 0o644),
		file("/etc/postfix/main.cf", mainAfter, 0o644),
	}}
}
