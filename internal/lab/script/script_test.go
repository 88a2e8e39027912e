package script

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"relayhost/internal/smtpd"
)

func play(t *testing.T, steps ...Step) (*Server, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := Play(l, steps...)
	t.Cleanup(func() { _ = s.Close() })
	c, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	t.Cleanup(func() { _ = c.Close() })
	return s, c
}

func write(t *testing.T, w io.Writer, text string) {
	t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
}

// ended waits for the first connection's script.
func ended(t *testing.T, s *Server) Record {
	t.Helper()
	for range 500 {
		if r := s.Records(); len(r) > 0 && !r[0].Ended.IsZero() {
			return r[0]
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("first connection: got its script still going on, or no connection, want the script at its end within 2.5 s")
	return Record{}
}

func serverTLS(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	ca, err := smtpd.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.Issue("relay.test")
	if err != nil {
		t.Fatal(err)
	}
	return smtpd.ServerTLS(cert), &tls.Config{RootCAs: ca.Pool(), ServerName: "relay.test", MinVersion: tls.VersionTLS10}
}

func TestInjectionAndRecord(t *testing.T) {
	server, client := serverTLS(t)
	s, c := play(t,
		Line("220 hello"),
		Until("STARTTLS", Replies{"EHLO": "250 STARTTLS\r\n"}),
		Say("220 go\r\n250 injected\r\n"),
		TLS(server),
		Answer(Replies{"AUTH": "535 no\r\n"}),
	)
	in := bufio.NewReader(c)
	want := func(text string) {
		t.Helper()
		if got, err := in.ReadString('\n'); err != nil || got != text+"\r\n" {
			t.Fatalf("got %q, %v; want %q", got, err, text)
		}
	}
	want("220 hello")
	write(t, c, "noop\r\n")
	want("502 5.5.1 Command not implemented")
	write(t, c, "EHLO me\r\n")
	want("250 STARTTLS")
	write(t, c, "STARTTLS\r\n")
	want("220 go")
	want("250 injected")
	tc := tls.Client(c, client)
	if err := tc.Handshake(); err != nil {
		t.Fatal(err)
	}
	in = bufio.NewReader(tc)
	write(t, tc, "AUTH PLAIN AHU=\r\nQUIT\r\n")
	want("535 no")
	want("221 2.0.0 Bye")
	r := ended(t, s)
	if string(r.Plain) != "noop\r\nEHLO me\r\nSTARTTLS\r\n" || string(r.Inside) != "AUTH PLAIN AHU=\r\nQUIT\r\n" {
		t.Errorf("record: got %q in clear and %q inside TLS, want %q and %q", r.Plain, r.Inside, "noop\r\nEHLO me\r\nSTARTTLS\r\n", "AUTH PLAIN AHU=\r\nQUIT\r\n")
	}
	if r.TLS != "TLS 1.3" || r.SNI != "relay.test" || r.Err != nil || !r.SawCommand("auth") || r.SawPlain("AUTH") || !r.Saw("AHU=") {
		t.Errorf("record: got %q, SNI %q, error %v, %q in clear, %q inside TLS, want %q, SNI %q, no error, AUTH and AHU= in it, and AUTH not in clear",
			r.TLS, r.SNI, r.Err, r.Plain, r.Inside, "TLS 1.3", "relay.test")
	}
}

func TestStepsSendTheirBytes(t *testing.T) {
	tests := []struct {
		name string
		step Step
		want string
	}{
		{"say", Say("a\x00b"), "a\x00b"},
		{"slowly", Slowly("abc", time.Millisecond), "abc"},
		{"fill", Fill("ab", 5), "ababa"},
		{"fill large", Fill("x", 200_000), strings.Repeat("x", 200_000)},
		{"many lines", manyLines(2), "250-X-EXTENSION-0\r\n250-X-EXTENSION-1\r\n250 STARTTLS\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, c := play(t, tt.step)
			got, err := io.ReadAll(c)
			if err != nil || string(got) != tt.want {
				t.Errorf("%d bytes, %v; want %d", len(got), err, len(tt.want))
			}
		})
	}
}

func TestExpectStops(t *testing.T) {
	s, c := play(t, Expect("EHLO"), Say("never"))
	write(t, c, "HELO x\r\n")
	if got, _ := io.ReadAll(c); len(got) != 0 {
		t.Errorf("after a command that is not expected: got %q, want nothing", got)
	}
	if r := ended(t, s); r.Err == nil {
		t.Error("record of a command that is not expected: got no error, want one")
	}
}

func TestReset(t *testing.T) {
	_, c := play(t, settle, Reset())
	if _, err := io.ReadAll(c); err == nil || !strings.Contains(err.Error(), "reset") {
		t.Errorf("read after Reset: got the error %v, want one with %q", err, "reset")
	}
}

// Each trap must start as it says and end when its client goes.
func TestEachTrap(t *testing.T) {
	server, client := serverTLS(t)
	seen := map[string]bool{}
	for _, trap := range Traps(server) {
		if seen[trap.Name] {
			t.Errorf("traps: got two of the name %q, want one", trap.Name)
		}
		seen[trap.Name] = true
		t.Run(trap.Name, func(t *testing.T) {
			t.Parallel()
			s, c := play(t, trap.Steps...)
			_ = c.SetReadDeadline(time.Now().Add(150 * time.Millisecond))
			in := bufio.NewReader(c)
			write(t, c, "EHLO me\r\nSTARTTLS\r\n")
			for range 6 {
				line, err := in.ReadSlice('\n')
				if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
					break
				}
				if strings.HasPrefix(string(line), "220 2.0.0 Ready") {
					tc := tls.Client(c, client)
					if tc.Handshake() == nil {
						_, _ = io.WriteString(tc, "EHLO me\r\nAUTH PLAIN AHU=\r\n")
					}
					break
				}
			}
			_ = c.Close()
			ended(t, s)
		})
	}
	if len(seen) < 45 {
		t.Errorf("got %d traps, want at least 45", len(seen))
	}
}

func TestTLSVersions(t *testing.T) {
	server, client := serverTLS(t)
	s, c := play(t, TLS(versions(server, tls.VersionTLS10, tls.VersionTLS10)), Hang())
	tc := tls.Client(c, client)
	if err := tc.Handshake(); err != nil {
		t.Fatal(err)
	}
	_ = tc.Close()
	if r := ended(t, s); r.TLS != "TLS 1.0" {
		t.Errorf("version %q, want %q", r.TLS, "TLS 1.0")
	}
	_, c = play(t, TLS(versions(server, tls.VersionTLS11, tls.VersionTLS11)), Hang())
	client.MinVersion = tls.VersionTLS12
	if err := tls.Client(c, client).Handshake(); err == nil {
		t.Error("TLS 1.1 was taken by a client that wants 1.2")
	}
}
