package bridge

import (
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// A burst goes out at once, the message after it waits for the minute to pass, and a
// clock that was set back does not stop the mail.
func TestPace(t *testing.T) {
	p := paceOf(t.TempDir(), Server{Host: "relay.example", Username: "app@contoso.example", PerMinute: 3})
	start := time.Unix(1_800_000_000, 0)
	for i, row := range []struct {
		after, want time.Duration
	}{
		{0, 0}, {time.Second, 0}, {2 * time.Second, 0},
		{3 * time.Second, 57 * time.Second}, {59 * time.Second, time.Second},
		{60 * time.Second, 0}, {60 * time.Second, time.Second}, {61 * time.Second, 0},
		{-24 * time.Hour, 0},
	} {
		got, err := p.take(start.Add(row.after))
		if err != nil || got != row.want {
			t.Errorf("message %d after %v: got %v, %v; want %v", i, row.after, got, err, row.want)
		}
	}
	if got := paceOf(t.TempDir(), Server{}); got != nil {
		t.Errorf("no limit: got %+v, want nil", got)
	}
	if err := (&pace{filepath.Join(t.TempDir(), "missing", "file"), 1}).wait(t.Context()); err == nil {
		t.Error("wait without the directory: got no error, want one")
	}
}

// Of many processes at once no more get a turn than a minute allows.
func TestPaceShared(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	var wait sync.WaitGroup
	var mu sync.Mutex
	taken := 0
	for range 40 {
		wait.Go(func() {
			left, err := paceOf(dir, Server{Host: "relay.example", PerMinute: 30}).take(now)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if left == 0 {
				taken++
			}
		})
	}
	wait.Wait()
	if taken != 30 {
		t.Errorf("turns: got %d, want 30", taken)
	}
}
