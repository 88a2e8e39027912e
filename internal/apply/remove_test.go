package apply

import (
	"strings"
	"syscall"
	"testing"

	"relayhost/internal/host"
	"relayhost/internal/plan"
)

// without is a plan that takes a password table away, with its compiled map.
func (tr *tree) without(path string) plan.Plan {
	p := tr.plan("one")
	gone := plan.File{Path: path, Action: plan.Remove, Before: []byte(tr.read(path)), Mode: 0o600, Secret: true, Map: "hash"}
	last := len(p.Files) - 1
	p.Files = append(p.Files[:last:last], gone, p.Files[last])
	return p
}

// What a plan removes goes with its compiled map, and comes back with both; a
// failure at any step leaves one or the other.
func TestFilesAreRemoved(t *testing.T) {
	const path = "/etc/postfix/relayhost_passwd_shop"
	for n, step := 0, every(1, 7); ; n += step {
		tr := newTree(t)
		tr.write(path, "[relay.example.net]:587 user:gone\n", 0o600)
		tr.write(path+".db", "compiled: user:gone\n", 0o600)
		before, ops := tr.print(), 0
		tr.h.Before = func(host.Op) error {
			if ops++; ops == n {
				return syscall.EIO
			}
			return nil
		}
		_, err := Run(t.Context(), tr.h, tr.without(path), tr.o)
		tr.h.Before = nil
		if _, recovered := Recover(t.Context(), tr.h, tr.o); recovered != nil {
			t.Fatalf("change %d: recover: got %v, want nil", n, recovered)
		}
		after := tr.print()
		switch {
		case err != nil && after != before:
			t.Errorf("change %d failed (%v), the tree is\n%s\nwant\n%s", n, err, after, before)
		case err == nil && strings.Contains(after, "relayhost_passwd_shop"):
			t.Errorf("change %d: still there\n%s\nwant no %q in it", n, after, "relayhost_passwd_shop")
		}
		if err == nil {
			if _, err := RollBack(t.Context(), tr.h, "", tr.o); err != nil {
				t.Fatalf("change %d: roll back: got the error %v, want none", n, err)
			}
			if after := tr.print(); after != before {
				t.Errorf("change %d, rolled back:\n%swant\n%s", n, after, before)
			}
		}
		if n > 0 && ops < n {
			if n < 10 {
				t.Errorf("only %d changes, want at least 10", n)
			}
			return
		}
	}
}
