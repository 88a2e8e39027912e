package smtpprobe

import (
	"strings"
	"testing"
	"time"
)

// TestHeld: what goes on with a connection that is kept logs in there once, and tells the
// whole dialogue; where the server has hung up, or the name is another, nothing is sent.
func TestConnections(t *testing.T) {
	ca := newCA(t)
	cert := ca.issue(t, "relay.test", time.Now().Add(time.Hour))
	stays := func(p *peer) {
		if p.upgrade("250 AUTH PLAIN\r\n") {
			submission(p)
		}
	}
	for _, tt := range []struct {
		name   string
		script func(*peer)
		change func(*Target)
		ok     bool
	}{
		{"goes on", stays, func(*Target) {}, true},
		{"the server hangs up", func(p *peer) {
			p.upgrade("250 AUTH PLAIN\r\n")
			p.say("421 4.4.2 too slow\r\n")
			_ = p.Close()
		}, func(*Target) {}, false},
		{"another name", stays, func(t *Target) { t.Name = "other.test" }, false},
		{"another trust", stays, func(t *Target) { t.Roots = nil }, false},
		{"a fingerprint", stays, func(t *Target) { t.Pin = strings.Repeat("ab", 32) }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := listen(t, cert, tt.script)
			target := n.target(ca.pool)
			probe := target
			probe.Until, probe.Username = StepEHLOTLS, ""
			kept := &Connections{}
			if r := kept.Probe(t.Context(), probe); r.Err != nil || r.Reached != StepEHLOTLS {
				t.Fatalf("the probe: got %+v, want it to reach %s", r, StepEHLOTLS)
			}
			if got := kept.Addr("relay.test", n.addr.Port()); got != n.addr {
				t.Errorf("kept is %s, want %s", got, n.addr)
			}
			if !tt.ok {
				time.Sleep(50 * time.Millisecond) // until it has hung up
			}
			var said []string
			tt.change(&target)
			target.Trace = func(e Exchange) { said = append(said, e.Line) }
			r, ok := kept.Resume(t.Context(), target)
			if ok != tt.ok || ok && (r.Err != nil || r.Reached != StepRcpt) {
				t.Errorf("got %v, %+v; want %v", ok, r, tt.ok)
			}
			if _, again := kept.Resume(t.Context(), target); again || kept.Addr("relay.test", n.addr.Port()).IsValid() {
				t.Error("after Resume: got a connection that is still kept, want none")
			}
			clear, hidden := n.received()
			if strings.Contains(hidden, "AUTH") != tt.ok || strings.Count(clear, "STARTTLS") != 1 {
				t.Errorf("in clear %q, encrypted %q; want one connection, a login: %v", hushed(clear), hushed(hidden), tt.ok)
			}
			if all := strings.Join(said, "\n"); tt.ok && (!strings.HasPrefix(all, "220 relay.test") || !strings.Contains(all, "AUTH PLAIN ***")) {
				// Not the trace itself: without the mask it holds the password.
				t.Errorf("trace of %d lines: got it without %q at its start or %q in it, want both", len(said), "220 relay.test", "AUTH PLAIN ***")
			}
		})
	}
	n := listen(t, cert, stays)
	target := n.target(ca.pool)
	target.Until, target.Username = StepEHLOTLS, ""
	kept := &Connections{}
	kept.Probe(t.Context(), target)
	kept.Close(func(string, uint16) bool { return true })
	if !kept.Addr("relay.test", n.addr.Port()).IsValid() {
		t.Error("Close that is told to keep it: got the connection closed, want it kept")
	}
	kept.Close(func(string, uint16) bool { return false })
	if _, hidden := n.received(); !strings.HasSuffix(hidden, "QUIT\r\n") {
		t.Errorf("sent %q, want %q at its end", hushed(hidden), "QUIT\r\n")
	}
	var none *Connections
	if _, ok := none.Resume(t.Context(), target); ok || none.Addr("relay.test", 587).IsValid() {
		t.Error("nil Connections: got a connection, want none")
	}
}
