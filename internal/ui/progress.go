package ui

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// worthSaying is how long a step takes at least whose time is shown.
const worthSaying = 50 * time.Millisecond

// spinner turns beside a step that takes time.
const spinner = `-\|/`

// progress is the step that is going on.
type progress struct {
	mu    sync.Mutex
	text  string // "" when there is none
	part  string // what of it is being done
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

// Part says which part of the step is being done now. It is seen while it
// lasts only; elsewhere than on a terminal it is one more plain line.
func (s *Streams) Part(part string) {
	p := &s.progress
	p.mu.Lock()
	living := p.text != ""
	if living {
		p.part = part
		s.draw()
	}
	p.mu.Unlock()
	if !living {
		s.Say("%s", part)
	}
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
	text := p.text
	if p.part != "" {
		text += ": " + p.part
	}
	fmt.Fprintf(s.Err, "\r%s %s%s\x1b[K", mark, cut(text, s.Width()-len(took)-3), took)
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
	text := p.text
	if took := time.Since(p.began); took >= worthSaying {
		text += fmt.Sprintf(" (%.1f s)", took.Seconds())
	}
	fmt.Fprintf(s.Err, "\r\x1b[K%s", Wrap(text, "  ", "  ", s.Width()))
	p.text, p.part, p.stop = "", "", nil
}

// say writes whole lines above the living one.
func (s *Streams) say(text string) { s.above(s.Err, strings.TrimRight(text, "\n")+"\n") }

// Print writes lines of the answer, above the living line where both are on the
// terminal.
func (s *Streams) Print(text string) { s.above(s.Out, text) }

func (s *Streams) above(w io.Writer, text string) {
	p := &s.progress
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.text != "" {
		fmt.Fprint(s.Err, "\r\x1b[K")
	}
	fmt.Fprint(w, text)
	if p.text != "" {
		s.draw()
	}
}
