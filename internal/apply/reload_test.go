package apply

import (
	"context"
	"testing"
	"time"
)

// Every Postfix program sleeps until main.cf is more than a second old, so that
// what is written is older than that when Postfix is told of it.
func TestFilesAreOldAtTheReload(t *testing.T) {
	tr := newTree(t)
	tr.write("/etc/postfix/main.cf", mainBefore, 0o644)
	reloads := 0
	tr.o.Reload = func(context.Context) error {
		reloads++
		for _, path := range []string{"/etc/postfix/main.cf", "/etc/postfix/sasl_passwd", "/etc/postfix/sasl_passwd.db"} {
			m, err := tr.h.Stat(path)
			if age := time.Since(m.Mtime); err != nil || age < 1500*time.Millisecond {
				t.Errorf("reload %d: %s is %v old, %v, want at least %v", reloads, path, age, err, 1500*time.Millisecond)
			}
		}
		return nil
	}
	if _, err := Run(t.Context(), tr.h, tr.plan("one"), tr.o); err != nil {
		t.Fatal(err)
	}
	if reloads != 1 {
		t.Errorf("got %d reloads, want 1", reloads)
	}
}
