package lazy

import (
	"strings"
	"testing"
)

func TestMustCompile(t *testing.T) {
	good := MustCompile(`(a+)b`)
	if err := Check(); err != nil {
		t.Errorf("got %v for an expression, want no error", err)
	}
	if got := good.FindStringSubmatch("xaab"); len(got) != 2 || got[1] != "aa" {
		t.Errorf("got %q, want the submatch aa", got)
	}
	MustCompile(`(a`)
	if err := Check(); err == nil || !strings.Contains(err.Error(), `"(a"`) {
		t.Errorf("got %v, want an error that names (a", err)
	}
}
