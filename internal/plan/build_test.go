package plan_test

import (
	"slices"
	"strings"
	"testing"

	"relayhost/internal/plan"
)

func TestBuildTwiceIsUnchanged(t *testing.T) {
	s := debian(t)
	first := build(t, s, options())
	if !first.Changed() || first.Files[len(first.Files)-1].Path != mainPath {
		t.Fatalf("first plan: changed %v, last file %s, want %s", first.Changed(), first.Files[len(first.Files)-1].Path, mainPath)
	}
	s.apply(first)
	second := build(t, s, options())
	for _, f := range second.Files {
		if f.Action != plan.Unchanged {
			t.Errorf("%s: %s on its own result, want %s\n%s", f.Path, f.Action, plan.Unchanged, f.After)
		}
	}
	if len(second.Commands) != 0 {
		t.Errorf("commands on an unchanged host: got %v, want none", second.Commands)
	}
}

func TestBuildKeepsOtherLines(t *testing.T) {
	s := debian(t)
	for _, path := range []string{mainPath, masterPath} {
		t.Run(path, func(t *testing.T) {
			after := text(t, build(t, s, options()), path)
			for line := range strings.Lines(s.files[path]) {
				if !strings.Contains(after, line) && !strings.HasPrefix(line, "relayhost") {
					t.Errorf("got no %q, want it kept", line)
				}
			}
		})
	}
}

func TestBuildSecretsAreRootsAlone(t *testing.T) {
	p := build(t, debian(t), options())
	var holders []string
	for _, f := range p.Files {
		if strings.Contains(string(f.After), "s3c:ret") {
			holders = append(holders, f.Path)
			if !f.Secret || f.Mode != 0o600 || f.UID != 0 || f.GID != 0 {
				t.Errorf("%s: secret %v mode %o owner %d:%d, want %o and 0 and 0", f.Path, f.Secret, f.Mode, f.UID, f.GID, 0o600)
			}
		}
	}
	if !slices.Equal(holders, []string{"/etc/postfix/sasl_passwd"}) {
		t.Errorf("the password is in %v, want %v", holders, []string{"/etc/postfix/sasl_passwd"})
	}
}
