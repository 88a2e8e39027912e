package verify

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"relayhost/internal/smtpd"
	"relayhost/internal/smtpprobe"
	"relayhost/relays"
)

func TestDeadFirstAddress(t *testing.T) {
	s := relay(t)
	env := s.env(t)
	env.Resolver = zone(t, "relay.test. 60 IN A 127.0.0.77", "relay.test. 60 IN A 127.0.0.1")
	r := Run(t.Context(), env, Options{NoSend: true})
	if got := summary(r, "connect", "tls", "auth"); got != "connect:warn:net_refused connect:pass connect:pass tls:pass auth:pass" {
		t.Errorf("got %s, want %q\n%+v", got, "connect:warn:net_refused connect:pass connect:pass tls:pass auth:pass", find(r, "connect"))
	}
	if f := find(r, "connect")[0]; !strings.Contains(f.Detail, "127.0.0.77 of relay.test does not answer (refused); 127.0.0.1 does") || f.Remedy == "" || strings.Contains(f.Remedy, "wait") {
		t.Errorf("got %+v, want a remedy that speaks of no wait, since a refusal comes at once, and %q in its detail", f, "127.0.0.77 of relay.test does not answer (refused); 127.0.0.1 does")
	}
	env.Resolver = zone(t, "relay.test. 60 IN A 127.0.0.77", "relay.test. 60 IN A 127.0.0.78")
	r = Run(t.Context(), env, Options{NoSend: true})
	if got := summary(r, "connect", "tls", "auth"); got != "connect:fail:net_refused connect:skip:net_refused" {
		t.Errorf("none answers: got %s, want %q", got, "connect:fail:net_refused connect:skip:net_refused")
	}
}

// TestSilentAddress: an address that was slower than another one is said not to answer
// where it does not answer alone either.
func TestSilentAddress(t *testing.T) {
	s := relay(t)
	silence(t, "127.0.0.77", s.starttls)
	connected := smtpprobe.Result{Reached: smtpprobe.StepConnect}
	for _, tt := range []struct {
		name  string
		alone func(context.Context, smtpprobe.Target) smtpprobe.Result
		want  string
	}{
		{"silent", smtpprobe.Probe, "connect:warn:net_timeout connect:pass"},
		{"slow", func(context.Context, smtpprobe.Target) smtpprobe.Result { return connected }, "connect:pass"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := s.env(t)
			env.First().Relay.Ports = nil
			env.Resolver = zone(t, "relay.test. 60 IN A 127.0.0.77", "relay.test. 60 IN A 127.0.0.1")
			env.Probe = func(ctx context.Context, target smtpprobe.Target) smtpprobe.Result {
				target.ConnectTimeout = 2 * time.Second
				if target.Until == smtpprobe.StepConnect {
					return tt.alone(ctx, target)
				}
				return smtpprobe.Probe(ctx, target)
			}
			r := Run(t.Context(), env, Options{NoSend: true})
			if got := summary(r, "connect"); got != tt.want {
				t.Errorf("got %s, want %s\n%+v", got, tt.want, find(r, "connect"))
			}
			if text := fmt.Sprint(find(r, "connect")); strings.Contains(tt.want, "warn") != strings.Contains(text, "127.0.0.77 of relay.test does not answer (timeout); 127.0.0.1 does net_timeout Mail leaves through the address that answers, after waiting") {
				t.Errorf("got %s, want %s", text, tt.want)
			}
		})
	}
}

// TestOtherPort: what is said of a port that is not in use names the addresses that were
// tried, and those that were not. The port in use answers late, so that there is time for
// both addresses of the other on a busy machine as well.
func TestOtherPort(t *testing.T) {
	s := relay(t)
	s.Configure(func(c *smtpd.Config) { c.Delays = map[smtpd.Step]time.Duration{smtpd.StepGreeting: time.Second} })
	env := s.env(t)
	env.Resolver = zone(t, "relay.test. 60 IN A 127.0.0.1", "relay.test. 60 IN A 127.0.0.77")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	blocked := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	silence(t, "127.0.0.1", blocked)
	silence(t, "127.0.0.77", blocked)
	env.First().Relay.Ports = []relays.Port{{Port: s.starttls, TLS: relays.StartTLS}, {Port: blocked, TLS: relays.Implicit}}
	began := time.Now()
	r := Run(t.Context(), env, Options{NoSend: true})
	took := time.Since(began)
	text := find(r, "connect")[1].Detail
	for _, want := range []string{"is not in use, and not usable from here: ", fmt.Sprintf("[127.0.0.1]:%d: no answer within ", blocked), fmt.Sprintf("[127.0.0.77]:%d: no answer within ", blocked)} {
		if !strings.Contains(text, want) {
			t.Errorf("got %q, want %q in it", text, want)
		}
	}
	if took > connectTimeout {
		t.Errorf("got it after %s, want it within %s", took, connectTimeout)
	}
	hop := hopCheck{addrs: []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("192.0.2.3")}}
	lost := func(last byte) smtpprobe.Result {
		return smtpprobe.Result{Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, last}), 587), Failed: smtpprobe.StepConnect, Err: syscall.ETIMEDOUT}
	}
	res := lost(1)
	res.Lost = []smtpprobe.Result{lost(3)}
	if got := fmt.Sprint(hop.missed(res)); got != "[192.0.2.2]" {
		t.Errorf("missed: got %s, want %s", got, "[192.0.2.2]")
	}
}

// silence makes a port of a loopback address silent: one whose queue of connections is full drops
// every further SYN.
func silence(t *testing.T, address string, port int) {
	t.Helper()
	at := &syscall.SockaddrInet4{Port: port, Addr: netip.MustParseAddr(address).As4()}
	socket := func() int {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = syscall.Close(fd) })
		return fd
	}
	listener := socket()
	if err := syscall.Bind(listener, at); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(listener, 0); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := syscall.Connect(socket(), at); err != nil && err != syscall.EINPROGRESS {
			t.Fatal(err)
		}
	}
}
