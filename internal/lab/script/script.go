// Package script plays servers byte by byte: whatever no SMTP library would
// send. A server is a list of steps that every connection goes through; each
// byte that the client sends is kept. It is for tests only.
//
//	s := script.Play(l,
//		script.Line("220 mx.example ESMTP"),
//		script.Until("STARTTLS", script.Replies{"EHLO": "250-mx.example\r\n250 STARTTLS\r\n"}),
//		script.Say("220 go ahead\r\n250 injected\r\n"),
//		script.TLS(config),
//		script.Hang())
package script

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// maxRecord bounds what is kept of one connection, in bytes.
const maxRecord = 16 << 20

// Step is one thing that the server does. An error ends the connection.
type Step func(*Conn) error

// ErrEnd ends the connection and is no fault.
var ErrEnd = errors.New("the script ends here")

// Server plays its steps to each connection.
type Server struct {
	l     net.Listener
	steps func(n int) []Step
	ctx   context.Context // ends with the server
	stop  context.CancelFunc
	wg    sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	open    map[net.Conn]struct{}
	records []*Record
}

// Record is what one connection sent.
type Record struct {
	Remote  string
	Plain   []byte // bytes as they came before TLS was up; handshakes are not among them
	Inside  []byte // what came inside TLS, decrypted
	TLS     string // version; "" without a completed handshake
	SNI     string
	Started time.Time
	Ended   time.Time
	Err     error // why the script stopped early; nil if it ran to its end
}

// Saw reports whether the client sent text, in the clear or inside TLS.
func (r Record) Saw(text string) bool {
	return bytes.Contains(r.Plain, []byte(text)) || bytes.Contains(r.Inside, []byte(text))
}

// SawCommand reports whether a line begins with verb, in the clear or inside TLS.
func (r Record) SawCommand(verb string) bool {
	return sawCommand(r.Plain, verb) || sawCommand(r.Inside, verb)
}

// SawPlain is [Record.SawCommand] for what crossed the network unencrypted.
func (r Record) SawPlain(verb string) bool { return sawCommand(r.Plain, verb) }

func sawCommand(b []byte, verb string) bool {
	for line := range strings.Lines(string(b)) {
		if len(line) >= len(verb) && strings.EqualFold(line[:len(verb)], verb) {
			return true
		}
	}
	return false
}

// Play serves l until [Server.Close]. Each connection goes through steps.
func Play(l net.Listener, steps ...Step) *Server {
	return PlayEach(l, func(int) []Step { return steps })
}

// PlayEach is [Play] with steps for the n-th connection, from 1.
func PlayEach(l net.Listener, steps func(n int) []Step) *Server {
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{l: l, steps: steps, ctx: ctx, stop: stop, open: map[net.Conn]struct{}{}}
	s.wg.Go(s.accept)
	return s
}

// Addr is where the server listens.
func (s *Server) Addr() string { return s.l.Addr().String() }

// Close ends all connections and waits for their scripts.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.stop()
	for c := range s.open {
		_ = c.Close()
	}
	s.mu.Unlock()
	err := s.l.Close()
	s.wg.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Records returns copies of what the connections sent so far, the oldest first.
func (s *Server) Records() []Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Record, len(s.records))
	for i, r := range s.records {
		all[i] = *r
		all[i].Plain, all[i].Inside = bytes.Clone(r.Plain), bytes.Clone(r.Inside)
	}
	return all
}

func (s *Server) accept() {
	for n := 1; ; n++ {
		raw, err := s.l.Accept()
		if err != nil {
			return // closed
		}
		r := &Record{Remote: raw.RemoteAddr().String(), Started: time.Now()}
		s.mu.Lock()
		if s.closed {
			_ = raw.Close()
		}
		s.open[raw] = struct{}{}
		s.records = append(s.records, r)
		s.mu.Unlock()
		s.wg.Go(func() { s.play(raw, r, s.steps(n)) })
	}
}

func (s *Server) play(raw net.Conn, r *Record, steps []Step) {
	c := &Conn{server: s, record: r, raw: raw, stream: raw}
	c.in = bufio.NewReader(io.TeeReader(raw, recorder{s, &r.Plain}))
	err := Do(steps...)(c)
	_ = c.stream.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, raw)
	r.Ended = time.Now()
	if !errors.Is(err, ErrEnd) {
		r.Err = err
	}
}

// recorder keeps what is read through it.
type recorder struct {
	s  *Server
	to *[]byte
}

func (r recorder) Write(b []byte) (int, error) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	*r.to = append(*r.to, b[:min(len(b), maxRecord-len(*r.to))]...)
	return len(b), nil
}

// Conn is a connection that a step acts on.
type Conn struct {
	server *Server
	record *Record
	raw    net.Conn
	stream net.Conn // raw, or TLS on top of it
	in     *bufio.Reader
}

// sleep waits, but not beyond the end of the server.
func (c *Conn) sleep(d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-c.server.ctx.Done():
		return net.ErrClosed
	}
}
