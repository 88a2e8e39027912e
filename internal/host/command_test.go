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
		// Not stderr itself: it may hold the SECRET of whoever runs the test.
		t.Errorf("Run: got code %d, stdout %q, %d bytes on stderr, %v; want 3, %q, a line feed alone and no error",
			out.Code, out.Stdout, len(out.Stderr), err, "in")
	}
	if _, err := h.Run(t.Context(), Command{Args: []string{"no-such-program"}}); !errors.Is(err, ErrNoProgram) {
		t.Errorf("Run of a missing program: got %v, want %v", err, ErrNoProgram)
	}
}

// A child that hangs is ended with all that it has started.
func TestRunEndsTheGroup(t *testing.T) {
	var h Host
	start := time.Now()
	_, err := h.Run(t.Context(), Command{Args: []string{"sh", "-c", "sleep 60 & sleep 60"}, Timeout: 100 * time.Millisecond})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 5*time.Second {
		t.Errorf("Run of a child that hangs: got %v after %s, want %v within 5s", err, time.Since(start), context.DeadlineExceeded)
	}
}
