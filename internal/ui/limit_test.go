package ui

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, cancel := WithLimit(t.Context(), time.Minute)
		defer cancel()
		child, stop := context.WithTimeout(l, time.Hour)
		defer stop()
		time.Sleep(59 * time.Second)
		resume := l.Pause()
		time.Sleep(time.Hour / 2)
		resume()
		if l.Err() != nil || child.Err() != nil {
			t.Errorf("1 s before the limit, questions not counted: got %v, its child %v, want no error in either", l.Err(), child.Err())
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if !errors.Is(l.Err(), context.DeadlineExceeded) || !errors.Is(child.Err(), context.DeadlineExceeded) {
			t.Errorf("after its time: got %v, its child %v, want %v and %v", l.Err(), child.Err(), context.DeadlineExceeded, context.DeadlineExceeded)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		parent, interrupt := context.WithCancel(t.Context())
		l, cancel := WithLimit(parent, time.Minute)
		defer cancel()
		l.Pause()
		interrupt()
		synctest.Wait()
		if !errors.Is(l.Err(), context.Canceled) {
			t.Errorf("after Ctrl-C: got %v, want %v", l.Err(), context.Canceled)
		}
	})
}

// TestLimitEndsAtOnce is for the race detector: a limit of nothing and a parent
// that has ended call back while the context is still being made.
func TestLimitEndsAtOnce(t *testing.T) {
	ended, interrupt := context.WithCancel(t.Context())
	interrupt()
	for _, d := range []time.Duration{0, time.Minute} {
		t.Run(d.String(), func(t *testing.T) {
			l, cancel := WithLimit(ended, d)
			<-l.Done()
			if l.Err() == nil {
				t.Errorf("limit %s under a parent that has ended: got done without an error, want one", d)
			}
			cancel()
		})
	}
}
