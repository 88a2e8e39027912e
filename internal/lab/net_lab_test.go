//go:build lab

package lab_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"relayhost/internal/lab"
)

func itoa(n int) string { return strconv.Itoa(n) }

const (
	mx4 = "198.51.100.3:25"
	mx6 = "[2001:db8::3]:25"
)

// delay makes a round trip of 40 ms, so that near and far can be told apart.
const delay = 20 * time.Millisecond

// greet listens on an address of the world and greets who comes.
func greet(t *testing.T, w *lab.World, addr, banner string) {
	t.Helper()
	ln, err := w.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, banner)
			_ = c.Close()
		}
	}()
}

// try connects from the server: the error, how long it took, what was said.
func try(s *lab.Server, addr string) (time.Duration, string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 1300*time.Millisecond)
	defer cancel()
	began := time.Now()
	c, err := s.Dial(ctx, "tcp", addr)
	took := time.Since(began)
	if err != nil {
		return took, "", err
	}
	defer c.Close()
	said, err := io.ReadAll(c)
	return took, string(said), err
}

// TestFates holds the table of errors and times of connect(2) by the kind of
// block, that detection relies on.
func TestFates(t *testing.T) {
	l := lab.New(t, lab.NoPostfix(), lab.Delay(delay))
	greet(t, l.World, mx4, "220 four\r\n")
	greet(t, l.World, mx6, "220 six\r\n")
	timeout := context.DeadlineExceeded
	for _, c := range []struct {
		name         string
		fate         lab.Fate
		local        string
		err4, err6   error
		near4, near6 bool // the answer is there before a round trip
	}{
		{"open", lab.Open, "", nil, nil, false, false},
		{"dropped", lab.Dropped, "", timeout, timeout, false, false},
		{"reset", lab.Reset, "", syscall.ECONNREFUSED, syscall.ECONNREFUSED, false, false},
		{"prohibited", lab.Prohibited, "", syscall.EHOSTUNREACH, syscall.EACCES, false, false},
		{"port unreachable", lab.NoPort, "", syscall.ECONNREFUSED, syscall.ECONNREFUSED, false, false},
		{"host unreachable", lab.NoHost, "", syscall.EHOSTUNREACH, syscall.EHOSTUNREACH, false, false},
		{"net unreachable", lab.NoNet, "", syscall.ENETUNREACH, syscall.ENETUNREACH, false, false},
		{"local drop", lab.Open, "tcp dport 25 drop", timeout, timeout, false, false},
		{"local reset", lab.Open, "tcp dport 25 reject with tcp reset", syscall.ECONNREFUSED, syscall.ECONNREFUSED, true, true},
		// The kernel takes no ICMPv6 error for a socket that is busy
		// connecting: the one for the repeated SYN, a second later, counts.
		{"local reject", lab.Open, "tcp dport 25 reject", syscall.ECONNREFUSED, syscall.ECONNREFUSED, true, false},
		{"local prohibited", lab.Open, "tcp dport 25 reject with icmpx type admin-prohibited", syscall.EHOSTUNREACH, syscall.EACCES, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			l.World.Block(25, c.fate, lab.Both)
			if c.local != "" {
				l.Server.LocalRule(c.local)
				defer l.Server.Nft("flush ruleset")
			}
			var wg sync.WaitGroup
			defer wg.Wait()
			check := func(addr string, want error, near bool) {
				took, _, err := try(l.Server, addr)
				if !errors.Is(err, want) && (want == nil || !errors.Is(want, timeout) || !isTimeout(err)) {
					t.Errorf("%s: %v, not %v", addr, err, want)
				}
				// A busy machine may be late, never early.
				for i := 0; near && took >= 2*delay && i < 5; i++ {
					took, _, _ = try(l.Server, addr)
				}
				if (took < 2*delay) != near {
					t.Errorf("%s: got the result after %s, want it before %s: %v", addr, took, 2*delay, near)
				}
			}
			wg.Go(func() { check(mx4, c.err4, c.near4) })
			wg.Go(func() { check(mx6, c.err6, c.near6) })
		})
	}
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// TestUnsteadyFates holds those that treat one connection unlike another.
func TestUnsteadyFates(t *testing.T) {
	l := lab.New(t, lab.NoPostfix())
	greet(t, l.World, mx4, "220 four\r\n")
	for _, c := range []struct {
		name string
		fate lab.Fate
		want string // an attempt: o open, l late, - timed out
	}{
		{"lossy", lab.Lossy, "ll"},
		{"throttled", lab.Throttled, "ooo-"},
		{"intermittent", lab.Intermittent, "o-o"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l.World.Block(25, c.fate, lab.Both)
			got := ""
			for range c.want {
				took, _, err := try(l.Server, mx4)
				switch {
				case isTimeout(err):
					got += "-"
				case err != nil:
					t.Errorf("got %v, want a connection or a timeout", err)
				case took > time.Second:
					got += "l"
				default:
					got += "o"
				}
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestFamiliesApart(t *testing.T) {
	l := lab.New(t, lab.NoPostfix(), lab.Port(25, lab.Reset, lab.IPv6))
	greet(t, l.World, mx4, "220 four\r\n")
	greet(t, l.World, mx6, "220 six\r\n")
	if _, said, err := try(l.Server, mx4); err != nil || said != "220 four\r\n" {
		t.Errorf("IPv4: got %q, %v, want %q", said, err, "220 four\r\n")
	}
	if _, _, err := try(l.Server, mx6); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("IPv6: got %v, want %v", err, syscall.ECONNREFUSED)
	}
	l.World.Block(25, lab.Open, lab.IPv6)
	if _, said, err := try(l.Server, mx6); err != nil || said != "220 six\r\n" {
		t.Errorf("IPv6 opened: got %q, %v, want %q", said, err, "220 six\r\n")
	}
}

func TestNoRoute(t *testing.T) {
	for name, o := range map[string]lab.Option{"no IPv6": lab.NoIPv6(), "no route": lab.NoRoute6()} {
		t.Run(name, func(t *testing.T) {
			l := lab.New(t, lab.NoPostfix(), o)
			greet(t, l.World, mx6, "220 six\r\n")
			if _, _, err := try(l.Server, mx6); !errors.Is(err, syscall.ENETUNREACH) {
				t.Errorf("got %v, want %v", err, syscall.ENETUNREACH)
			}
		})
	}
	l := lab.New(t, lab.NoPostfix(), lab.NoRoute4())
	if _, _, err := try(l.Server, mx4); !errors.Is(err, syscall.ENETUNREACH) {
		t.Errorf("no IPv4 route: got %v, want %v", err, syscall.ENETUNREACH)
	}
}

func TestIntercepted(t *testing.T) {
	l := lab.New(t, lab.NoPostfix())
	greet(t, l.World, mx4, "220 four\r\n")
	greet(t, l.World, "198.51.100.66:2500", "220 proxy\r\n")
	l.World.Intercept(25, netip.MustParseAddrPort("198.51.100.66:2500"))
	for _, addr := range []string{mx4, "192.0.2.1:25"} { // the latter exists nowhere
		t.Run(addr, func(t *testing.T) {
			if _, said, err := try(l.Server, addr); err != nil || said != "220 proxy\r\n" {
				t.Errorf("got %q, %v, want %q", said, err, "220 proxy\r\n")
			}
		})
	}
	l.World.NoRules()
	if _, said, err := try(l.Server, mx4); err != nil || said != "220 four\r\n" {
		t.Errorf("no longer: got %q, %v, want %q", said, err, "220 four\r\n")
	}
}

func TestUserRule(t *testing.T) {
	l := lab.New(t)
	greet(t, l.World, mx4, "220 four\r\n")
	l.Server.LocalRule("meta skuid != 0 tcp dport 25 reject")
	const connect = "exec 3<>/dev/tcp/198.51.100.3/25; cat <&3"
	if r := l.Run("bash", "-c", connect); r.Stdout != "220 four\r\n" {
		t.Errorf("connect as root: got %s\nwant stdout %q", r, "220 four\r\n")
	}
	if r := l.Server.RunAs(101, "bash", "-c", connect); r.Code == 0 || !strings.Contains(r.Stderr, "Connection refused") {
		t.Errorf("connect as user 101: got %s\nwant a failure, and %q in stderr", r, "Connection refused")
	}
	if r := l.Run("nft", "list", "ruleset"); !strings.Contains(r.Stdout, "skuid != 0 tcp dport 25 reject") {
		t.Errorf("nft list ruleset: got %s\nwant %q in stdout", r, "skuid != 0 tcp dport 25 reject")
	}
}

// TestNothingReachesOutside asks for the machine's own gateway, resolver and
// metadata service, and for an address of the internet: all is silence.
func TestNothingReachesOutside(t *testing.T) {
	l := lab.New(t, lab.NoPostfix())
	var wg sync.WaitGroup
	for _, addr := range []string{"169.254.169.254:80", "10.255.255.53:53", "8.8.8.8:53", "[2606:4700:4700::1111]:53", "203.0.113.77:25"} {
		wg.Go(func() {
			t.Run(addr, func(t *testing.T) {
				if _, _, err := try(l.Server, addr); !isTimeout(err) {
					t.Errorf("got %v, want a timeout", err)
				}
			})
		})
	}
	wg.Wait()
}

func TestDelayAndTraffic(t *testing.T) {
	l := lab.New(t, lab.NoPostfix(), lab.Delay(delay), lab.Port(26, lab.Dropped, lab.Both))
	greet(t, l.World, mx4, "220 four\r\n")
	best := 100.0 // a busy machine adds to it, nothing takes away
	for range 3 {
		took, _, err := try(l.Server, mx4)
		best = min(best, l.RoundTrips(took))
		if err != nil {
			t.Error(err)
		}
	}
	if best < 1 || best > 1.5 {
		t.Errorf("connect takes %.2f round trips, want at least 1 and at most 1.5", best)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 1500*time.Millisecond)
	defer cancel()
	if _, err := l.Server.Dial(ctx, "tcp", "198.51.100.3:26"); err == nil {
		t.Error("connect to port 26: got no error, want one")
	}
	if c, err := l.Server.Dial(context.Background(), "udp", "192.0.2.53:53"); err != nil {
		t.Error(err)
	} else {
		_, _ = c.Write([]byte("query"))
		_ = c.Close()
	}
	time.Sleep(3 * delay)
	tr := l.Server.ResetTraffic()
	if tr.SYN[25] != 3 || tr.Connections[25] != 3 || tr.Connections[26] != 1 || tr.Attempts() != 4 {
		t.Errorf("connections: got %+v, want 3 SYNs and 3 connections to port 25, 1 connection to port 26, 4 attempts", tr)
	}
	if tr.SYN[26] != 2 {
		t.Errorf("%d SYNs in 1.5 s of silence, not 2 (at 0 and 1 s), want 2", tr.SYN[26])
	}
	if tr.DNSQueries != 1 {
		t.Errorf("got %d DNS queries, want 1", tr.DNSQueries)
	}
	if tr.PacketsReceived < 9 || tr.BytesReceived < tr.PacketsReceived*40 || tr.PacketsSent < 12 {
		t.Errorf("packets: got %+v, want 9 or more received, of 40 bytes or more on average, and 12 or more sent", tr)
	}
	if again := l.Server.Traffic(); again.PacketsSent != 0 || len(again.SYN) != 0 {
		t.Errorf("after the reset: got %+v, want no packet sent and no SYN", again)
	}
}

func TestServersReachEachOther(t *testing.T) {
	l := lab.New(t, lab.NoPostfix())
	b := l.AddServer(lab.Hostname("b.example.com"))
	var ln net.Listener
	if err := b.In(func() (err error) { ln, err = net.Listen("tcp", b.IPv4.String()+":25"); return err }); err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c, err := l.Server.Dial(ctx, "tcp", b.IPv4.String()+":25")
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	c, err = l.World.Dial(ctx, "tcp", b.IPv4.String()+":25")
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	if got := b.Shell("hostname"); got != "b.example.com\n" {
		t.Errorf("host name %q, want %q", got, "b.example.com\n")
	}
}
