//go:build lab

package flow_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"relayhost/internal/flow"
	"relayhost/internal/lab"
)

func suites() []lab.Suite {
	if os.Getenv("LAB_FULL") == "" {
		return []lab.Suite{lab.Bookworm}
	}
	return []lab.Suite{lab.Bullseye, lab.Bookworm, lab.Trixie, lab.Sid}
}

// onserver is the program of testdata, built once.
var onserver = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "relayhost-onserver-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	out := filepath.Join(dir, "onserver")
	cmd := exec.Command("go", "build", "-o", out, "./testdata/onserver")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, said)
	}
	return os.ReadFile(out)
})

// answers are those of one trivial-rewrite(8).
type answers struct {
	Answers []flow.Answer `json:"answers"`
	Root    string        `json:"root"`
}

// A private trivial-rewrite(8) answers as the server's own would, on each version,
// and nothing of it is left.
func TestLabResolve(t *testing.T) {
	t.Parallel()
	for _, suite := range suites() {
		t.Run(string(suite), func(t *testing.T) {
			l := lab.New(t, lab.On(suite), lab.NoLog())
			s := l.Server
			install(t, s)
			s.Shell(`printf 'partner.example lmtp:[203.0.113.9]:24\n' >/etc/postfix/transport && postmap /etc/postfix/transport &&
				printf '@shop.example shop:\n' >/etc/postfix/dependent && postmap /etc/postfix/dependent &&
				postconf -e 'transport_maps = $default_database_type:$config_directory/transport' \
				'sender_dependent_default_transport_maps = $default_database_type:/etc/postfix/dependent' 'relayhost = [old.example]:26'`)
			before := s.Tree("/etc", "/var/lib", "/var/spool")
			r := s.Run("/root/onserver", "resolve", "a@shop.example", "x@remote.example", "x@partner.example", "root@host.example.com", "root")
			var got answers
			if err := json.Unmarshal([]byte(r.Stdout), &got); err != nil {
				t.Fatalf("resolve: got %v, want a JSON document\n%s", err, r)
			}
			want := []flow.Answer{
				{Transport: "shop", NextHop: "[old.example]:26", Recipient: "x@remote.example", Flags: 1 << 12},
				{Transport: "lmtp", NextHop: "[203.0.113.9]:24", Recipient: "x@partner.example", Flags: 1 << 12},
				{Transport: "local", NextHop: "host.example.com", Recipient: "root@host.example.com", Flags: 1 << 8},
				{Transport: "local", NextHop: "host.example.com", Recipient: "root@host.example.com", Flags: 1 << 8},
			}
			if !slices.Equal(got.Answers, want) || got.Root != "root@host.example.com" {
				t.Errorf("got %+v, want %+v", got, want)
			}
			if d := before.Diff(s.Tree("/etc", "/var/lib", "/var/spool")); d != "" {
				t.Errorf("files after resolve: got the differences\n%s\nwant none", d)
			}
		})
	}
}

// install puts the program on the server.
func install(t *testing.T, s *lab.Server) {
	t.Helper()
	program, err := onserver()
	if err != nil {
		t.Fatal(err)
	}
	s.WriteFile("/root/onserver", string(program), 0o755)
}
