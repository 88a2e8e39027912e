//go:build unix

package instance

import (
	"bufio"
	"fmt"
	"net"
	"os/user"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"relayhost/internal/postfix"
)

// TestGate: a lookup waits until the gate is open, and is told then that there is no such
// key; where nobody opens it, the lookup fails. Only one that was let through counts.
func TestGate(t *testing.T) {
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	for _, opened := range []bool{true, false} {
		t.Run(fmt.Sprint(opened), func(t *testing.T) {
			socket := filepath.Join(t.TempDir(), "gate")
			g, err := newGate(socket, me.Username, map[bool]time.Duration{true: time.Minute, false: time.Millisecond}[opened])
			if err != nil {
				t.Fatal(err)
			}
			defer g.close()
			conn, err := net.Dial("unix", socket)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			want := "35:TEMP the login is not permitted yet,"
			if _, err := conn.Write([]byte("13:login [a.b]:5,")); err != nil {
				t.Fatal(err)
			}
			passed := func() bool {
				select {
				case <-g.Passed():
					return true
				default:
					return false
				}
			}
			if passed() {
				t.Error("before it was open: got a login that was let through, want none")
			}
			if opened {
				want = "9:NOTFOUND ,"
				g.Open()
			}
			got := make([]byte, len(want))
			if _, err := bufio.NewReader(conn).Read(got); err != nil || string(got) != want {
				t.Errorf("got %q (%v), want %q", got, err, want)
			}
			if passed() != opened {
				t.Errorf("let through: got %v, want %v", passed(), opened)
			}
		})
	}
}

// TestBehindGate: the gate is before the passwords, and before the tables that are asked
// ahead of MAIL, whether the entry names them or main.cf does, or nobody.
func TestBehindGate(t *testing.T) {
	i := &Instance{directories: directories{"/i/etc", "/i/spool", "/i/data", "/i/log"}, ConfigDir: "/i/etc", o: Options{Gate: true}}
	const gate = "socketmap:unix:/i/spool/private/relayhost-gate:login"
	for before, want := range map[string]string{"": gate, "smtp_generic_maps = hash:/g\n": gate + ",hash:/g"} {
		text, err := i.mainCF([]byte(before))
		if err != nil {
			t.Fatal(err)
		}
		m, err := postfix.ParseMain(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := m.Get("smtp_generic_maps"); got != want {
			t.Errorf("main.cf with %q: got %q, want %q", before, got, want)
		}
	}
	text, err := i.masterCF([]byte("smtp unix - - y - - smtp\nother unix - - y - - smtp\n  -o smtp_sasl_password_maps=hash:/p\n" +
		"relayhost-a unix - - n - - smtp\n  -o smtp_sasl_password_maps=hash:/p\n  -o smtp_generic_maps=hash:/g\n" +
		"relayhost-b unix - - n - - smtp\n  -o smtp_sasl_password_maps=hash:/p\n  -o smtp_generic_maps=\n" +
		"relayhost-c unix - - n - - smtp\n  -o smtp_generic_maps=hash:/g\n"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := postfix.ParseMaster(text)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"relayhost-a": {gate + ",hash:/p", gate + ",hash:/g"}, "relayhost-b": {gate + ",hash:/p", gate},
		"relayhost-c": nil, "smtp": nil, "other": nil,
	} {
		s, ok := m.Get(name, "unix")
		var got []string
		for _, o := range s.Options {
			got = append(got, o.Value)
		}
		if ok != (want != nil) || !slices.Equal(got, want) {
			t.Errorf("%s: got the tables %q (an entry: %v), want %q", name, got, ok, want)
		}
	}
}
