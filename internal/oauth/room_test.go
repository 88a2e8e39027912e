package oauth_test

import (
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"relayhost/internal/oauth"
	"relayhost/internal/secret"
)

// TestFullDisk: the endpoint is not asked when what it gives could not be kept. In a
// process of its own no file can grow beyond 4 kB, as on a disk that is full: writing
// fails and nothing else does. In this one the limit would also be of the files that
// "go test" has it write.
func TestFullDisk(t *testing.T) {
	if s, ok := renewing(t); ok {
		signal.Ignore(syscall.SIGXFSZ)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 4 << 10, Max: 4 << 10}); err != nil {
			t.Fatal(err)
		}
		if err := s.Renew(t.Context()); err == nil || !strings.Contains(err.Error(), "file too large") {
			t.Errorf("Renew: got %v, want the reason of the disk", err)
		}
		return
	}
	t.Parallel()
	e := newEndpoint(t, func(int, string, url.Values) (int, any) { return 200, token("access", "refresh-1", time.Hour) })
	s := e.source(t, oauth.DeviceCode)
	if err := s.Save(t.Context(), oauth.Token{Refresh: secret.New("refresh-0")}); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(s.Path)
	if err != nil {
		t.Fatal(err)
	}
	child := e.renewer(t, s)
	child.Args = append(child.Args, "-test.v")
	if out, err := child.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("on a full disk: got %v\n%s\nwant no error and %q in it", err, out, "--- PASS: "+t.Name())
	}
	if got := len(e.requests()); got != 0 {
		t.Errorf("requests: got %d, want 0", got)
	}
	if after, err := os.ReadFile(s.Path); err != nil || string(after) != string(before) {
		t.Errorf("store: got the error %v and %d bytes, want none and the %d of before", err, len(after), len(before))
	}
}
