package host

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestRun(t *testing.T) {
	var h Host
	out, err := h.Run(t.Context(), Command{Args: []string{"sh", "-c", "cat; echo $SECRET >&2; exit 3"}, Stdin: []byte("in")})
	if err != nil || out.Code != 3 || string(out.Stdout) != "in" || string(out.Stderr) != "\n" {
		t.Errorf("%+v, %v", out, err)
	}
	if _, err := h.Run(t.Context(), Command{Args: []string{"no-such-program"}}); !errors.Is(err, ErrNoProgram) {
		t.Errorf("missing program: %v", err)
	}
}

// A child that hangs is ended with all that it has started.
func TestRunEndsTheGroup(t *testing.T) {
	var h Host
	start := time.Now()
	_, err := h.Run(t.Context(), Command{Args: []string{"sh", "-c", "sleep 60 & sleep 60"}, Timeout: 100 * time.Millisecond})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 5*time.Second {
		t.Errorf("%v after %s", err, time.Since(start))
	}
}
