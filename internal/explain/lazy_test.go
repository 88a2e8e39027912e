package explain

import (
	"testing"

	"relayhost/internal/lazy"
)

// The expressions of this package, of maillog and of secret compile.
func TestExpressionsCompile(t *testing.T) {
	t.Parallel()
	if err := lazy.Check(); err != nil {
		t.Error(err)
	}
}
