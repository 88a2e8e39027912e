//go:build lab

package apply

import (
	"strings"
	"testing"
)

// TestLabUnfitPlanChangesNothing: what postconf(1) passes and smtp(8) dies of is
// refused before anything is written.
func TestLabUnfitPlanChangesNothing(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	r := s.drive("run", "unfit=relayhost-example")
	if r.Code != 1 {
		t.Fatalf("an unfit plan: got %s, want exit code 1", r)
	}
	for _, want := range []string{
		"the new configuration would not work: ", `default_transport: is "smtp", not the relay's service`, "does not verify the relay's certificate",
	} {
		if !strings.Contains(r.Stderr, want) {
			t.Errorf("no %q in %s", want, r)
		}
	}
	s.restored("refused")
	if s.Exists("/var/lib/relayhost") {
		t.Error("got a state directory of a refused plan, want none")
	}
}
