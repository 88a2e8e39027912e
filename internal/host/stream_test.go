package host

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestStream(t *testing.T) {
	var r Reader
	var got []string
	out, err := r.Stream(t.Context(), query("sh", "-c", "echo one; printf 'two'; echo oops >&2; exit 3"), func(line []byte) error {
		got = append(got, string(line))
		return nil
	})
	if err != nil || out.Code != 3 || string(out.Stderr) != "oops\n" || !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("Stream: got the lines %q, code %d, stderr %q, %v; want %q, 3, %q and no error",
			got, out.Code, out.Stderr, err, []string{"one", "two"}, "oops\n")
	}
}

func TestStreamEnds(t *testing.T) {
	var r Reader
	stop := errors.New("enough")
	start := time.Now()
	_, err := r.Stream(t.Context(), query("sh", "-c", "yes; sleep 60"), func([]byte) error { return stop })
	if !errors.Is(err, stop) {
		t.Errorf("%v, want %v", err, stop)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = r.Stream(ctx, query("sleep", "60"), func([]byte) error { return nil })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want %v", err, context.DeadlineExceeded)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("two children that hang: got them ended after %v, want at most 10s", took)
	}
	if _, err = r.Stream(t.Context(), query("no-such-program"), nil); !errors.Is(err, ErrNoProgram) {
		t.Errorf("%v, want %v", err, ErrNoProgram)
	}
}

func TestStreamBoundsLines(t *testing.T) {
	var r Reader
	var sizes []int
	_, err := r.Stream(t.Context(), query("sh", "-c", "head -c 200000 /dev/zero; echo; echo short"), func(line []byte) error {
		sizes = append(sizes, len(line))
		return nil
	})
	if err != nil || !slices.Equal(sizes, []int{maxLine, len("short")}) {
		t.Errorf("lines of 200000 and of 5 bytes: got the sizes %v, %v; want %v and no error", sizes, err, []int{maxLine, len("short")})
	}
	if !strings.HasSuffix(JournalFollow(time.Unix(1, 0), "A=b").String(), "--since=@1 A=b --follow --no-tail") {
		t.Errorf("JournalFollow: got %q, want %q at its end",
			JournalFollow(time.Unix(1, 0), "A=b").String(), "--since=@1 A=b --follow --no-tail")
	}
}
