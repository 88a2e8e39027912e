package ui

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// spinner turns beside a step that takes time.
const spinner = `-\|/`

// progress is the step that is going on.
type progress struct {
	mu    sync.Mutex
	text  string // "" when there is none
	began time.Time
	turn  int
	stop  chan struct{}
}

// Step says what is being done now and ends the step before it, if any. On a
// terminal its line lives, with a spinner and the time, until it ends with the
// time that it took; elsewhere it is one plain line.
func (s *Streams) Step(format string, args ...any) {
	s.Done()
	text := fmt.Sprintf(format, args...)
	if !s.live() {
		s.Say("%s", text)
		return
	}
	p := &s.progress
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text, p.began, p.stop = text, time.Now(), make(chan struct{})
	s.draw()
	go s.turn(p.stop)
}

// live reports whether a line may be written over. Lines of a dialogue would
// interrupt it.
func (s *Streams) live() bool { return s.Live && IsTerminal(s.Err) }

func (s *Streams) turn(stop chan struct{}) {
	tick := time.NewTicker(120 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			s.progress.mu.Lock()
			if s.progress.stop == stop {
				s.progress.turn++
				s.draw()
			}
			s.progress.mu.Unlock()
		}
	}
}

// draw writes the living line; the lock is held.
func (s *Streams) draw() {
	p := &s.progress
	mark := string(spinner[p.turn%len(spinner)])
	took := fmt.Sprintf(" %.0f s", time.Since(p.began).Seconds())
	fmt.Fprintf(s.Err, "\r%s %s%s\x1b[K", mark, cut(p.text, s.Width()-len(took)-3), took)
}

// Done ends the step that is going on.
func (s *Streams) Done() {
	p := &s.progress
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.text == "" {
		return
	}
	close(p.stop)
	took := fmt.Sprintf(" (%.1f s)", time.Since(p.began).Seconds())
	fmt.Fprintf(s.Err, "\r\x1b[K%s", Wrap(p.text+took, "  ", "  ", s.Width()))
	p.text, p.stop = "", nil
}

// say writes whole lines above the living one.
func (s *Streams) say(text string) {
	p := &s.progress
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.text != "" {
		fmt.Fprint(s.Err, "\r\x1b[K")
	}
	fmt.Fprint(s.Err, strings.TrimRight(text, "\n")+"\n")
	if p.text != "" {
		s.draw()
	}
}
