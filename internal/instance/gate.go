//go:build unix

package instance

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

// gateTime is how long a connection to the relay may wait at the gate: servers give up
// idle clients.
const gateTime = 10 * time.Second

// passwords names the tables in which smtp(8) looks its login up, which it does right
// before it logs in, each time.
const passwords = "smtp_sasl_password_maps"

// Gate is a table before those of passwords (socketmap_table(5)) that has nothing and
// keeps smtp(8) waiting for that answer: a message may be on its way to the relay, as
// far as the login, before it is known that the login is right.
type Gate struct {
	ln    net.Listener
	limit time.Duration
	open  chan struct{} // closed when the login may be tried
	shut  chan struct{} // closed when nobody waits any more

	mu             sync.Mutex
	passed, denied bool
	once           sync.Once
}

// Open lets the instance log in. It is called once.
func (g *Gate) Open() { close(g.open) }

// Passed reports whether the instance has come as far as the login, and has been let
// through: what became of its messages then is what becomes of them without a gate.
func (g *Gate) Passed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.passed && !g.denied
}

// gateSocket is where the gate of an instance is asked.
func gateSocket(d directories) string { return filepath.Join(d.queue, "private", "relayhost-gate") }

// newGate listens for lookups by the user owner, which wait for leave, limit at most.
func newGate(socket, owner string, limit time.Duration) (*Gate, error) {
	uid, _, err := idsOf(owner)
	if err != nil {
		return nil, err
	}
	g := &Gate{limit: limit, open: make(chan struct{}), shut: make(chan struct{})}
	if g.ln, err = new(net.ListenConfig).Listen(context.Background(), "unix", socket); err != nil {
		return nil, fmt.Errorf("gate of the private Postfix: %w", err)
	}
	go g.serve()
	if err := os.Chown(socket, uid, -1); err != nil {
		g.close()
		return nil, fmt.Errorf("gate of the private Postfix: %w", err)
	}
	return g, nil
}

// close ends everything that waits.
func (g *Gate) close() {
	if g != nil {
		g.once.Do(func() {
			close(g.shut)
			_ = g.ln.Close()
		})
	}
}

func (g *Gate) serve() {
	for {
		conn, err := g.ln.Accept()
		if err != nil {
			return
		}
		go g.answer(conn)
	}
}

// answer says to each request ("MAP KEY") that there is no such key, when it is time.
func (g *Gate) answer(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	for readNetstring(r) == nil {
		reply := "TEMP no leave to log in"
		if g.wait() {
			reply = "NOTFOUND "
		}
		if _, err := fmt.Fprintf(conn, "%d:%s,", len(reply), reply); err != nil {
			return
		}
	}
}

// wait waits for leave to log in.
func (g *Gate) wait() bool {
	leave := false
	select {
	case <-g.open:
		leave = true
	case <-g.shut:
	case <-time.After(g.limit):
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.passed, g.denied = g.passed || leave, g.denied || !leave
	return leave && !g.denied
}

// readNetstring reads "LENGTH:BYTES,".
func readNetstring(r *bufio.Reader) error {
	head, err := r.ReadString(':')
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(strings.TrimSuffix(head, ":"))
	if err != nil || n < 0 || n > 4096 {
		return errors.New("not a netstring")
	}
	_, err = io.CopyN(io.Discard, r, int64(n)+1)
	return err
}

// behindGate puts the gate before the passwords of an entry of ours, and reports whether
// it has any: what logs in nowhere would not wait.
func behindGate(socket string, s postfix.Service) bool {
	waits := false
	for n, o := range s.Options {
		if o.Name == passwords && o.Value != "" && strings.HasPrefix(s.Name, plan.ServicePrefix) {
			s.Options[n].Value = "socketmap:unix:" + socket + ":login," + o.Value
			waits = true
		}
	}
	return waits
}

// delivers reports whether a program of Postfix takes a message out of the queue.
func delivers(program string) bool {
	return slices.Contains([]string{"smtp", "lmtp", "discard", "error"}, program)
}
