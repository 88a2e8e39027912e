package explain

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestEveryCauseIsProducedOrExcused: each cause is met in the lab, or the list of
// those that are not says why.
func TestEveryCauseIsProducedOrExcused(t *testing.T) {
	lab, err := os.ReadFile("../verify/causes_lab_test.go")
	if err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadFile("../verify/testdata/not_produced.txt")
	if err != nil {
		t.Fatal(err)
	}
	excused := map[string]bool{}
	for line := range strings.Lines(string(list)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		id, reason, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok || reason == "" || excused[id] || must().byID[id] == nil {
			t.Errorf("no cause with a reason, or twice: %s", line)
		}
		excused[id] = true
	}
	for id := range must().byID {
		met := regexp.MustCompile(`"[a-z_]+:` + id + `"`).Match(lab)
		if met == excused[id] {
			t.Errorf("%s: met in the lab: %v, excused: %v", id, met, excused[id])
		}
	}
}
