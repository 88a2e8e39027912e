package ui

import (
	"context"
	"sync"
	"time"
)

// Limit is a context whose time limit can be paused, so that it does not count the time in
// which a question is open or a package manager works.
type Limit struct {
	context.Context
	done chan struct{}
	stop func() bool // no longer waits for the parent

	mu    sync.Mutex
	err   error
	timer *time.Timer
	left  time.Duration
	since time.Time // when the timer was last set going
}

// WithLimit returns a context that ends with ctx or after d.
func WithLimit(ctx context.Context, d time.Duration) (*Limit, context.CancelFunc) {
	l := &Limit{Context: ctx, done: make(chan struct{}), left: d, since: time.Now()}
	// A limit or a parent that has ended already calls end at once, which
	// needs both fields.
	l.mu.Lock()
	defer l.mu.Unlock()
	l.timer = time.AfterFunc(d, func() { l.end(context.DeadlineExceeded) })
	l.stop = context.AfterFunc(ctx, func() { l.end(ctx.Err()) })
	return l, func() { l.end(context.Canceled) }
}

func (l *Limit) end(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
		l.timer.Stop()
		l.stop()
		close(l.done)
	}
}

// Done is closed when the limit is over or its parent has ended.
func (l *Limit) Done() <-chan struct{} { return l.done }

// Deadline names none: it moves with each pause.
func (l *Limit) Deadline() (deadline time.Time, ok bool) { return time.Time{}, false }

// Err says why Done is closed, and nil before.
func (l *Limit) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Pause stops the clock until the function that it returns is called.
func (l *Limit) Pause() (resume func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer.Stop() {
		l.left -= time.Since(l.since)
	}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.err == nil {
			l.since = time.Now()
			l.timer.Reset(max(0, l.left))
		}
	}
}
