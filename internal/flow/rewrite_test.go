package flow

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// rewriter is a server that speaks the protocol of trivial-rewrite(8): it answers one
// question at a time on each connection, and breaks one off that has sent another before.
type rewriter struct {
	socket             string
	connections, asked atomic.Int32
	silent             func(sender string) bool // which question it does not answer; nil for none
}

func newRewriter(t *testing.T) *rewriter {
	t.Helper()
	w := &rewriter{socket: filepath.Join(t.TempDir(), "rewrite")}
	l, err := net.Listen("unix", w.socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			w.connections.Add(1)
			go w.serve(conn)
		}
	}()
	return w
}

func (w *rewriter) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	_, _ = conn.Write([]byte("protocol\x00trivial-rewrite\x00\x00"))
	r := &Rewriter{conn: conn, r: bufio.NewReader(conn)}
	for {
		got, err := r.read()
		if err != nil || r.r.Buffered() > 0 {
			return
		}
		w.asked.Add(1)
		sender := got[1].value
		if w.silent != nil && w.silent(sender) {
			continue
		}
		fmt.Fprintf(conn, "flags\x000\x00transport\x00by-%s\x00nexthop\x00\x00recipient\x00%s\x00flags\x004096\x00\x00", sender, got[2].value)
	}
}

// Each message is asked for once, with one question under way on a connection, and has its
// own answer.
func TestResolve(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ n, connections int }{{0, 1}, {1, 1}, {7, 1}, {8, 2}, {30, 4}, {1000, maxConnections}} {
		w := newRewriter(t)
		rs, err := DialMany(t.Context(), w.socket, tt.n)
		if err != nil {
			t.Fatal(err)
		}
		answers, err := rs.Resolve(t.Context(), tt.n, func(i int) (sender, recipient string) { return fmt.Sprint("s", i), fmt.Sprint("r", i) })
		if err != nil || len(answers) != tt.n {
			t.Fatalf("%d messages: got %d answers and the error %v, want %d and none", tt.n, len(answers), err, tt.n)
		}
		for i, got := range answers {
			if want := (Answer{Transport: fmt.Sprint("by-s", i), Recipient: fmt.Sprint("r", i), Flags: 4096}); got != want {
				t.Errorf("message %d of %d: got %+v, want %+v", i, tt.n, got, want)
			}
		}
		if err := rs.Close(); err != nil {
			t.Error(err)
		}
		if asked, connections := int(w.asked.Load()), int(w.connections.Load()); asked != tt.n || connections > tt.connections || len(rs) != tt.connections {
			t.Errorf("%d messages: got %d questions and %d connections (%d accepted), want %d and %d", tt.n, asked, len(rs), connections, tt.n, tt.connections)
		}
	}
}

// A program with slow tables answers one connection after the other: each answer has its time.
func TestResolveSlowly(t *testing.T) {
	defer func(before time.Duration) { answerTime = before }(answerTime)
	answerTime = time.Second
	w, first := newRewriter(t), make(chan struct{})
	w.silent = func(sender string) bool {
		switch sender {
		case "s0":
			time.Sleep(700 * time.Millisecond)
			close(first)
		case "s1":
			<-first
			time.Sleep(700 * time.Millisecond)
		}
		return false
	}
	rs, err := DialMany(t.Context(), w.socket, 8)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rs.Close() }()
	_, err = rs.Resolve(t.Context(), 8, func(i int) (sender, recipient string) { return fmt.Sprint("s", i), fmt.Sprint("r", i) })
	if err != nil || len(rs) != 2 {
		t.Errorf("got %d connections and the error %v, want 2 and none", len(rs), err)
	}
}

// Where master(8) has no more connections waiting (default_process_limit), those that there
// are do for all questions.
func TestDialManyAtTheLimit(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "rewrite")
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(fd) }()
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrUnix{Name: socket}), syscall.Listen(fd, 4)); err != nil {
		t.Fatal(err)
	}
	rs, err := DialMany(t.Context(), socket, 1000) // nobody accepts one yet
	if err != nil || len(rs) == 0 || len(rs) >= maxConnections {
		t.Fatalf("got %d connections and the error %v, want some and none", len(rs), err)
	}
	_ = rs.Close()
}

// A question that has no answer ends with the context, and says which it was.
func TestResolveEnds(t *testing.T) {
	t.Parallel()
	w := newRewriter(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the private Postfix has died")
	w.silent = func(sender string) bool {
		if sender == "s40" {
			cancel(why)
			return true
		}
		return false
	}
	rs, err := DialMany(ctx, w.socket, 100)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rs.Close() }()
	_, err = rs.Resolve(ctx, 100, func(i int) (sender, recipient string) { return fmt.Sprint("s", i), fmt.Sprint("r", i) })
	if !errors.Is(err, why) || !strings.HasPrefix(err.Error(), "resolve r") {
		t.Errorf("got %v, want resolve and its recipient: %v", err, why)
	}
}
