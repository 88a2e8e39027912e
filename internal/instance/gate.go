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
// before it logs in, each time. It does not log in where the relay announces no AUTH.
const passwords = "smtp_sasl_password_maps"

// generic names the tables in which smtp(8) looks up each sender but the null sender,
// right before it sends MAIL, and dies where the lookup fails (smtp_proto.c and
// smtp_map11.c of Postfix 3.5 to 3.11). Nothing is looked up where it is empty.
const generic = "smtp_generic_maps"

// Gate is a table before those of passwords and of generic (socketmap_table(5)) that has
// nothing and keeps smtp(8) waiting for that answer: a message may be on its way to the
// relay before it is known that the login is right, as far as the login, or as far as
// MAIL where the relay announces no AUTH. A message of the null sender would not wait
// there.
type Gate struct {
	ln    net.Listener
	limit time.Duration
	open  chan struct{} // closed when the login may be tried, or MAIL sent
	shut  chan struct{} // closed when nobody waits any more

	passed chan struct{} // closed when a lookup was let through

	mu         sync.Mutex
	denied     bool
	once, pass sync.Once
}

// Open lets the instance log in and send. It is called once.
func (g *Gate) Open() { close(g.open) }

// Passed returns a channel that is closed when the instance has come as far as the gate
// and was let through: what becomes of its messages then is what becomes of them without
// a gate. It stays open where a lookup was denied before.
func (g *Gate) Passed() <-chan struct{} { return g.passed }

// gateSocket is where the gate of an instance is asked.
func gateSocket(d directories) string { return filepath.Join(d.queue, "private", "relayhost-gate") }

// newGate listens for lookups by the user owner, which wait until Open, limit at most.
func newGate(socket, owner string, limit time.Duration) (*Gate, error) {
	uid, _, err := idsOf(owner)
	if err != nil {
		return nil, err
	}
	g := &Gate{limit: limit, open: make(chan struct{}), shut: make(chan struct{}), passed: make(chan struct{})}
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
		reply := "TEMP the login is not permitted yet"
		if g.wait() {
			reply = "NOTFOUND "
		}
		if _, err := fmt.Fprintf(conn, "%d:%s,", len(reply), reply); err != nil {
			return
		}
	}
}

// wait waits until the gate is open, and reports whether this lookup and all before it
// were let through.
func (g *Gate) wait() bool {
	opened := false
	select {
	case <-g.open:
		opened = true
	case <-g.shut:
	case <-time.After(g.limit):
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.denied = g.denied || !opened; g.denied {
		return false
	}
	g.pass.Do(func() { close(g.passed) })
	return true
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

// behindGate puts the gate before the passwords and the tables of senders of an entry of
// ours, and reports whether it has passwords. That of an entry without tables of senders
// is in main.cf.
func behindGate(socket string, s postfix.Service) bool {
	waits := false
	for n, o := range s.Options {
		switch {
		case !strings.HasPrefix(s.Name, plan.ServicePrefix):
		case o.Name == passwords && o.Value != "":
			s.Options[n].Value = gated(socket, o.Value)
			waits = true
		case o.Name == generic:
			s.Options[n].Value = gated(socket, o.Value)
		}
	}
	return waits
}

// gated is tables, "" for none, with the gate before them.
func gated(socket, tables string) string {
	gate := "socketmap:unix:" + socket + ":login"
	if tables == "" {
		return gate
	}
	return gate + "," + tables
}

// delivers reports whether a program of Postfix takes a message out of the queue.
func delivers(program string) bool {
	return slices.Contains([]string{"smtp", "lmtp", "discard", "error"}, program)
}
