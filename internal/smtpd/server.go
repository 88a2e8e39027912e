package smtpd

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// idleLimit is how long a client may be silent, as in RFC 5321 4.5.3.2.7.
const idleLimit = 5 * time.Minute

// maxLine is the longest AUTH line of RFC 4954 4; all others are shorter.
const maxLine = 12288

// Server is one service. It serves any number of listeners at once.
type Server struct {
	smtp *smtp.Server
	done chan struct{}
	wg   sync.WaitGroup // listeners and connections

	mu       sync.Mutex
	closed   bool
	serving  []net.Listener
	cfg      Config
	conns    map[*conn]struct{}
	sessions []*Session
	mailbox  []Message
	counters Counters
	waited   int           // messages that WaitMessage has returned
	arrived  chan struct{} // closed and replaced with each message
}

// New makes a service that listens nowhere yet.
func New(cfg Config) *Server {
	s := &Server{
		cfg:     cfg.clone(),
		done:    make(chan struct{}),
		conns:   map[*conn]struct{}{},
		arrived: make(chan struct{}),
	}
	s.smtp = smtp.NewServer(smtp.BackendFunc(newSession))
	s.smtp.Domain = "localhost"
	s.smtp.AllowInsecureAuth = true // conn knows about TLS, go-smtp does not
	s.smtp.MaxLineLength = maxLine
	s.smtp.ReadTimeout, s.smtp.WriteTimeout = idleLimit, idleLimit
	s.smtp.EnableDSN = slices.Contains(cfg.Extensions, "DSN")
	s.smtp.EnableSMTPUTF8 = slices.Contains(cfg.Extensions, "SMTPUTF8")
	s.smtp.ErrorLog = log.New(io.Discard, "", 0) // what happened is in Sessions
	return s
}

// Start serves l in the background until Close. With implicit, TLS starts
// with the first byte (RFC 8314), which needs Config.TLS.
func (s *Server) Start(l net.Listener, implicit bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// go-smtp knows of l only once Serve runs, which may be after Close.
	if s.closed {
		_ = l.Close()
		return
	}
	s.serving = append(s.serving, l)
	s.wg.Go(func() {
		// An error here means that the listener was closed.
		_ = s.smtp.Serve(&listener{Listener: l, server: s, implicit: implicit})
	})
}

// Close closes listeners and connections and waits for them to end.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.done)
	for _, l := range s.serving {
		_ = l.Close() // again by go-smtp, or by its owner
	}
	open := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		open = append(open, c)
	}
	s.mu.Unlock()
	err := s.smtp.Close()
	for _, c := range open {
		_ = c.Close()
	}
	s.wg.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil // the owner of the listener was faster
	}
	return err
}

// Configure changes the behaviour; connections that are open follow with
// their next command.
func (s *Server) Configure(change func(*Config)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	cfg := s.cfg.clone()
	change(&cfg)
	s.cfg = cfg
}

// Sessions returns what was seen of all connections so far, the oldest first.
func (s *Server) Sessions() []Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Session, len(s.sessions))
	for i, r := range s.sessions {
		all[i] = r.clone()
	}
	return all
}

// Mailbox returns the messages that were taken, the oldest first.
func (s *Server) Mailbox() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mailbox)
}

// Counters returns the counts as of now.
func (s *Server) Counters() Counters {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counters
}

// WaitMessage returns the next message that no earlier call has returned.
func (s *Server) WaitMessage(ctx context.Context) (Message, error) {
	for {
		s.mu.Lock()
		if s.waited < len(s.mailbox) {
			m := s.mailbox[s.waited]
			s.waited++
			s.mu.Unlock()
			return m, nil
		}
		arrived := s.arrived
		s.mu.Unlock()
		select {
		case <-arrived:
		case <-s.done:
			return Message{}, net.ErrClosed
		case <-ctx.Done():
			return Message{}, ctx.Err()
		}
	}
}

func (s *Server) config() Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cfg
}

// store keeps a message and returns the reply that it gets.
func (s *Server) store(m Message) Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	reply := s.cfg.accepted(len(s.mailbox) + 1)
	m.Reply, m.Time = reply.Text, time.Now()
	s.mailbox = append(s.mailbox, m)
	s.counters.Messages++
	close(s.arrived)
	s.arrived = make(chan struct{})
	return reply
}

// listener hands go-smtp connections that are watched.
type listener struct {
	net.Listener
	server   *Server
	implicit bool
}

// Accept waits for the next connection.
func (l *listener) Accept() (net.Conn, error) {
	raw, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.server.admit(raw, l.implicit), nil
}

// admit begins the record of a connection.
func (s *Server) admit(raw net.Conn, implicit bool) *conn {
	c := newConn(s, raw, implicit)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = raw.Close()
	}
	s.wg.Add(1)
	s.conns[c] = struct{}{}
	s.counters.Connections++
	s.counters.Open++
	s.counters.MostOpen = max(s.counters.MostOpen, s.counters.Open)
	c.record.ID = len(s.sessions) + 1
	c.record.Refused = s.cfg.MaxConnections > 0 && s.counters.Open > s.cfg.MaxConnections
	c.turnedAway = c.record.Refused
	s.sessions = append(s.sessions, c.record)
	return c
}

// leave ends the record of a connection.
func (s *Server) leave(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	s.counters.Open--
	c.record.Ended = time.Now()
	s.wg.Done()
}

// note changes a record, which readers may be copying.
func (s *Server) note(f func(*Counters)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.counters)
}
