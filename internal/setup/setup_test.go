package setup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"relayhost/detect"
	"relayhost/internal/apply"
	"relayhost/internal/bridge/conf"
	"relayhost/internal/config"
	"relayhost/internal/host"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/internal/smtpd"
	"relayhost/relays"
)

// The watchdog of a commit is this binary.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == WatchdogCommand {
		os.Exit(apply.WatchMain(context.Background(), os.Args[2:]))
	}
	os.Exit(m.Run())
}

// Postfix's programs on a host that has none: postconf and postmap read and write
// what the real ones would, and postfix keeps a list of what it was told to do.
var programs = map[string]string{
	"postconf": `root=$(cd "$(dirname "$0")/../.." && pwd)
dir=$root/etc/postfix
if [ "$1" = -c ]; then dir=$2; shift 2; fi
case $dir in "$root"*) ;; *) dir=$root$dir ;; esac
case $1 in
-x) cat "$root/usr/share/postfix.defaults"; grep -v '^#' "$dir/main.cf" | grep . ;;
-n) grep -v '^#' "$dir/main.cf" | grep . ;;
-M) grep -v '^[# ]' "$dir/master.cf" | grep . ;;
-m) printf 'hash\nregexp\nstatic\ntexthash\n' ;;
-A) echo cyrus ;;
esac
exit 0
`,
	"postfix": `root=$(cd "$(dirname "$0")/../.." && pwd)
for word in "$@"; do :; done
[ "$word" = status ] && exec test -e "$root/run/postfix"
echo "$word" >>"$root/run/commands"
touch "$root/run/postfix"
`,
	"postmap": `if [ "$3" = -q ]; then
	file=${5#*:}
	while read -r key; do
		[ -n "$key" ] && awk -v k="$key" '$1 == k { sub(/^[^ \t]+[ \t]+/, ""); print k "\t" $0; exit }' "$file.db"
	done
	exit 0
fi
file=${3#*:}
umask 077
sort "$file" >"$file.db"
`,
}

const (
	mainBefore = "# ours\nmyhostname = web1.example.com\nmydestination = localhost\ninet_interfaces = loopback-only\nmynetworks = 127.0.0.0/8\n"
	defaults   = "mail_version = 3.7.11\nconfig_directory = /etc/postfix\nqueue_directory = /var/spool/postfix\ndata_directory = /var/lib/postfix\n" +
		"daemon_directory = /usr/lib/postfix/sbin\nmail_owner = postfix\ndefault_database_type = hash\nsmtp_host_lookup = native\nmydomain = example.com\n" +
		"myorigin = web1.example.com\nalias_maps = \nsmtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\n"
)

// server is a directory that stands for a host, and a relay that it can reach.
type server struct {
	deps  Deps
	told  *heard
	relay *smtpd.Server
	port  int
}

func newServer(t *testing.T) *server {
	t.Helper()
	root := t.TempDir()
	s := &server{told: &heard{}}
	s.deps = Deps{Host: &host.Host{Reader: host.Reader{Root: root, Path: filepath.Join(root, "usr/bin") + ":/usr/bin:/bin"}}, Report: s.told}
	ca, err := smtpd.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.Issue("relay.test")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		"/etc/postfix/main.cf": mainBefore, "/etc/postfix/master.cf": "smtp unix - - y - - smtp\ntlsmgr unix - - y 1000? 1 tlsmgr\npostlog unix-dgram n - n - 1 postlogd\n",
		"/usr/share/postfix.defaults": defaults, "/etc/hosts": "127.0.0.1 localhost relay.test\n", "/etc/resolv.conf": "nameserver 127.0.0.1\n",
		"/etc/hostname": "web1.example.com\n", "/etc/ssl/certs/ca-certificates.crt": string(ca.PEM()), "/run/x": "", "/usr/lib/sasl2/libplain.so": "", "/var/lib/x": "", "/etc/relayhost/x": "",
	}
	for name, text := range programs {
		files["/usr/bin/"+name] = "#!/bin/sh\n" + text
	}
	for path, text := range files {
		real := s.deps.Host.Real(path)
		if err := os.MkdirAll(filepath.Dir(real), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := fs.FileMode(0o644)
		if strings.HasPrefix(path, "/usr/bin/") {
			mode = 0o755
		}
		if err := os.WriteFile(real, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.port = l.Addr().(*net.TCPAddr).Port
	s.relay = smtpd.New(smtpd.Config{Name: "relay.test", TLS: smtpd.ServerTLS(cert), Accounts: []smtpd.Account{{Username: "joe", Password: secret.New("right")}}})
	s.relay.Start(l, false)
	t.Cleanup(func() { _ = s.relay.Close() })
	return s
}

// request is what `setup --smarthost relay.test --port N --from ... --yes` asks for.
func (s *server) request(t *testing.T, password string) Request {
	t.Helper()
	file := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(file, []byte("username=joe\npassword="+password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return Request{Smarthost: "relay.test", NoProbe: true, NoProof: true,
		Given: config.Given{Port: s.port, From: "app@example.com", CredentialsFile: file}}
}

func (s *server) prepare(t *testing.T, req Request) Setup {
	t.Helper()
	state, err := postfix.Read(t.Context(), &s.deps.Host.Reader, "")
	if err != nil {
		t.Fatal(err)
	}
	ready, err := Prepare(t.Context(), s.deps, state, req, nobody{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range ready.Plan.Files { // whoever runs the tests owns the files
		ready.Plan.Files[i].UID, ready.Plan.Files[i].GID = os.Geteuid(), os.Getegid()
	}
	return ready
}

// tree is every file of the host but the state of relayhost and of Postfix.
func (s *server) tree(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	root := s.deps.Host.Root
	err := filepath.WalkDir(filepath.Join(root, "etc"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, root)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// nobody is an Asker that has nobody to ask: only --to has a default.
type nobody struct{}

var errNobody = errors.New("nobody is there to be asked")

func (nobody) Can() bool                                                       { return false }
func (nobody) Relay(context.Context, Discovery, *detect.Facts) (string, error) { return "", errNobody }
func (nobody) From(context.Context, Discovery, *relays.Relay) (string, error)  { return "", errNobody }
func (nobody) Region(context.Context, Discovery, *relays.Relay) (string, error) {
	return "", nil
}
func (nobody) APIKey(context.Context, conf.API, *relays.Relay, *secret.Credentials) error {
	return errNobody
}
func (nobody) Credentials(context.Context, *relays.Relay, string, *secret.Credentials) error {
	return errNobody
}
func (nobody) SignIn(context.Context, config.Hop) (config.SignIn, error) {
	return config.SignIn{}, errNobody
}
func (nobody) Application(context.Context, *config.Hop) error                 { return nil }
func (nobody) To(_ context.Context, _ Discovery, from string) (string, error) { return from, nil }
func (nobody) Smarthost(_ context.Context, _ Discovery, _ *detect.Facts, h config.Hop) (config.Hop, bool, error) {
	return h, false, errNobody
}
func (nobody) Direct(context.Context, Discovery) ([]string, error) { return nil, errNobody }

// A setup goes the whole way on a host whose Postfix is a directory: decided,
// tried at a real relay, applied, unchanged the second time, and rolled back.
func TestSetup(t *testing.T) {
	s := newServer(t)
	before := s.tree(t)
	ready := s.prepare(t, s.request(t, "right"))
	if err := Preflight(t.Context(), ready, nil); err != nil {
		t.Fatal(err)
	}
	out, err := Commit(t.Context(), ready, CommitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if out.Change.State != "committed" || out.Change.ID == "" {
		t.Errorf("change: got %+v, want a committed one", out.Change)
	}
	after := s.tree(t)
	hop := fmt.Sprintf("[relay.test]:%d", s.port)
	passwords := 0
	for path, text := range after {
		if !strings.Contains(text, "right") || strings.HasSuffix(path, ".db") {
			continue
		}
		passwords++
		if m, err := s.deps.Host.Stat(path); err != nil || m.Mode.Perm() != 0o600 || !strings.Contains(text, hop) {
			t.Errorf("%s: got mode %v (%v), want 0600 and an entry for %s", path, m.Mode, err, hop)
		}
	}
	if passwords != 1 {
		t.Errorf("files with the password: got %d, want 1", passwords)
	}
	if !strings.Contains(after["/etc/postfix/main.cf"], hop) || !strings.Contains(after["/etc/postfix/main.cf"], mainBefore) {
		t.Errorf("main.cf: got\n%swant the lines of before and %s", after["/etc/postfix/main.cf"], hop)
	}
	if text, err := s.deps.Host.ReadFile("/run/commands"); err != nil || string(text) != "start\n" {
		t.Errorf("commands to postfix: got %q (%v), want start alone", text, err)
	}

	again := s.prepare(t, Request{NoProbe: true, NoProof: true})
	for _, f := range again.Plan.Files { // without root a secret is not root's, which is a change
		if !bytes.Equal(f.Before, f.After) {
			t.Errorf("a second setup without flags: got %s of %s, want no change", f.Action, f.Path)
		}
	}
	if user := again.Config.First().Username; user != "joe" || again.Config.First().Password.Reveal() != "right" {
		t.Errorf("stored account: got %q, want joe's", user)
	}

	undone, died, err := RollBack(t.Context(), s.deps, RollBackOptions{Consent: func(changes []apply.Record) error {
		if len(changes) != 1 || changes[0].ID != out.Change.ID {
			t.Errorf("changes to undo: got %v, want %s alone", changes, out.Change.ID)
		}
		return nil
	}})
	if err != nil || died != nil || len(undone.Changes) != 1 {
		t.Fatalf("rollback: got %d undone, %v, %v, want 1", len(undone.Changes), died, err)
	}
	if more, _, err := RollBack(t.Context(), s.deps, RollBackOptions{}); err != nil || len(more.Changes) != 0 {
		t.Errorf("a second rollback: got %v (%v), want nothing to undo", more, err)
	}
	if got := s.tree(t); !maps.Equal(got, before) {
		t.Errorf("after the rollback: got %d files, want the %d of before, byte for byte", len(got), len(before))
	}
}

// A relay that refuses the login ends a setup before anything is written.
func TestLoginRefused(t *testing.T) {
	s := newServer(t)
	before := s.tree(t)
	err := Preflight(t.Context(), s.prepare(t, s.request(t, "wrong")), nil)
	var proof ProofError
	if !errors.Is(err, ErrLoginRefused) || !errors.As(err, &proof) {
		t.Errorf("got %v, want a refused login", err)
	}
	if err != nil && strings.Contains(err.Error(), "wrong") {
		t.Error("got the password in the error, want none of it")
	}
	if !maps.Equal(s.tree(t), before) {
		t.Error("the host: got changes, want none")
	}
}

// What is missing is an error that asks for it, and none of a dry run but for the
// account, for which placeholders stand.
func TestPrepareWithoutAnswers(t *testing.T) {
	s := newServer(t)
	state, err := postfix.Read(t.Context(), &s.deps.Host.Reader, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		change func(*Request)
		want   error
	}{
		{"no relay", func(r *Request) { r.Smarthost, r.Port = "", 0 }, errNobody},
		{"no sender", func(r *Request) { r.From = "" }, errNobody},
		{"no account", func(r *Request) { r.CredentialsFile, r.Username = "", "joe" }, errNobody},
		{"no account in a dry run", func(r *Request) { r.CredentialsFile, r.Username, r.DryRun = "", "joe", true }, nil},
		{"a sender that is no address", func(r *Request) { r.From = "joe" }, &config.InputError{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			req := s.request(t, "right")
			test.change(&req)
			ready, err := Prepare(t.Context(), s.deps, state, req, nobody{})
			var input *config.InputError
			switch {
			case test.want == nil && err == nil:
				if !ready.Plan.Incomplete {
					t.Error("the plan: got a complete one, want placeholders")
				}
			case test.want == nil || err == nil, !errors.Is(err, test.want) && !errors.As(err, &input):
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}
