//go:build unix

package instance

import (
	"bufio"
	"fmt"
	"net"
	"os/user"
	"path/filepath"
	"testing"
	"time"
)

// TestGate: a lookup waits for leave, and is told then that there is no such key; where
// nobody gives it, the lookup fails. Only one that was let through counts.
func TestGate(t *testing.T) {
	self, err := user.Current() // who need not be root
	if err != nil {
		t.Fatal(err)
	}
	for _, leave := range []bool{true, false} {
		t.Run(fmt.Sprint(leave), func(t *testing.T) {
			socket := filepath.Join(t.TempDir(), "gate")
			g, err := newGate(socket, self.Username, map[bool]time.Duration{true: time.Minute, false: time.Millisecond}[leave])
			if err != nil {
				t.Fatal(err)
			}
			defer g.close()
			conn, err := net.Dial("unix", socket)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			want := "23:TEMP no leave to log in,"
			if _, err := conn.Write([]byte("13:login [a.b]:5,")); err != nil {
				t.Fatal(err)
			}
			if g.Passed() {
				t.Error("before leave was given: got a login that was let through, want none")
			}
			if leave {
				want = "9:NOTFOUND ,"
				g.Open()
			}
			got := make([]byte, len(want))
			if _, err := bufio.NewReader(conn).Read(got); err != nil || string(got) != want {
				t.Errorf("got %q (%v), want %q", got, err, want)
			}
			if g.Passed() != leave {
				t.Errorf("let through: got %v, want %v", g.Passed(), leave)
			}
		})
	}
}
