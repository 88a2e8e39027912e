package verify

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/config"
	"relayhost/internal/host"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/relays"
)

// bridgeUser has the numbers of the user of the bridges on the hosts of TestBridgeFaults.
const bridgeUser = 4242

// bridgeHost is a host on which the bridge m365 has what it needs; root is its "/".
// What has no owner of its own is root's.
type bridgeHost struct {
	*testing.T
	root   string
	owners map[string][2]int
	env    Env
}

func (h *bridgeHost) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// node makes a file, directory or socket with this owner.
func (h *bridgeHost) node(path string, mode fs.FileMode, uid, gid int, text string) {
	h.Helper()
	at := filepath.Join(h.root, path)
	switch mode.Type() {
	case fs.ModeDir:
		h.must(os.MkdirAll(at, 0o755))
	case fs.ModeSocket:
		h.must(os.MkdirAll(filepath.Dir(at), 0o755))
		h.must(syscall.Mknod(at, syscall.S_IFSOCK|uint32(mode.Perm()), 0)) // a path for bind(2) is shorter
	default:
		h.must(os.MkdirAll(filepath.Dir(at), 0o755))
		h.must(os.WriteFile(at, []byte(text), 0o600))
	}
	h.owners[path] = [2]int{uid, gid}
	h.must(os.Chmod(at, mode.Perm()|mode&fs.ModeSticky))
}

func (h *bridgeHost) owner(path string) (uid, gid int) { return h.owners[path][0], h.owners[path][1] }

func (h *bridgeHost) remove(path string) { h.must(os.RemoveAll(filepath.Join(h.root, path))) }

// soundBridge is such a host with nothing wrong.
func soundBridge(t *testing.T) *bridgeHost {
	t.Helper()
	h := &bridgeHost{T: t, root: t.TempDir(), owners: map[string][2]int{}}
	master, err := postfix.ParseMaster([]byte("relayhost-m365-oauth unix - - n - - lmtp\nrelayhost-m365-oauth-out unix - n n - 6 spawn\n  user=relayhost argv=/usr/local/bin/relayhost bridge m365\n"))
	h.must(err)
	h.env = Env{Reader: &host.Reader{Root: h.root, Owner: h.owner}, Routes: []Route{{Hops: []Hop{{Hop: config.Hop{Relay: &relays.Relay{}, Host: "smtp.office365.com"}, Socket: "private/relayhost-m365-oauth-out"}}}},
		State: postfix.State{QueueDir: "/var/spool/postfix", Master: master, Params: map[string]string{"mail_owner": "postfix"}}}
	text, err := conf.Config{Host: "smtp.office365.com", Port: 587, Username: "app@example.com", Password: secret.New("Gehe1m"), CAFile: "/ca.pem", HELO: "host.example.com"}.Marshal()
	h.must(err)
	h.node("/usr", fs.ModeDir|0o755, 0, 0, "")
	h.node("/usr/local", fs.ModeDir|0o755, 0, 0, "")
	h.node("/usr/local/bin", fs.ModeDir|0o755, 0, 0, "")
	h.node("/usr/local/bin/relayhost", 0o755, 0, 0, "x")
	h.node("/var/spool/postfix/private/relayhost-m365-oauth-out", fs.ModeSocket|0o666, 0, 0, "")
	h.node("/etc/passwd", 0o644, 0, 0, fmt.Sprintf("root:x:0:0::/root:/bin/sh\nrelayhost:x:%d:%[1]d::/:/usr/sbin/nologin\n", bridgeUser))
	h.node(conf.Directory, fs.ModeDir|0o750, 0, bridgeUser, "")
	h.node(conf.Directory+"/m365.conf", 0o640, 0, bridgeUser, string(text))
	h.node(conf.Directory+"/state", fs.ModeDir|0o700, bridgeUser, bridgeUser, "")
	h.node(conf.Directory+"/m365.state", fs.ModeDir|0o700, bridgeUser, bridgeUser, "")
	h.node(conf.Directory+"/m365.state/m365.token", 0o600, bridgeUser, bridgeUser, "{}")
	return h
}

// TestBridgeFaults: each sentence on what a bridge lacks is said on a host where it
// holds, alone, and so on none of the others, where it is false.
func TestBridgeFaults(t *testing.T) {
	const (
		program = "/usr/local/bin/relayhost"
		socket  = "/var/spool/postfix/private/relayhost-m365-oauth-out"
		home    = conf.Directory
		token   = home + "/m365.state/m365.token"
	)
	for _, test := range []struct {
		name          string
		hurt          func(*bridgeHost)
		says, command string // "": nothing is said
	}{
		{"sound", func(*bridgeHost) {}, "", ""},
		{"a file of another bridge", func(h *bridgeHost) { h.node(home+"/state/other.token", 0o644, 0, 0, "") }, "", ""},
		{"no state of its own", func(h *bridgeHost) { h.remove(token); h.remove(home + "/m365.state") }, home + "/m365.state is missing", "relayhost setup"},
		{"an open state", func(h *bridgeHost) { h.must(os.Chmod(filepath.Join(h.root, home, "m365.state"), 0o755)) }, "0755, not relayhost:relayhost 0700",
			"chown relayhost:relayhost " + home + "/m365.state && chmod 0700 " + home + "/m365.state"},
		{"a directory where each may write his own", func(h *bridgeHost) { h.node("/usr/local", fs.ModeDir|fs.ModeSticky|0o777, 0, 0, "") }, "", ""},
		{"no socket", func(h *bridgeHost) { h.remove(socket) }, socket + " is missing: Postfix reaches no bridge", "postfix stop; postfix start"},
		{"a file in its place", func(h *bridgeHost) { h.remove(socket); h.node(socket, 0o666, 0, 0, "") }, socket + " is no socket: Postfix reaches no bridge", "postfix stop; postfix start"},
		{"no socket of systemd", func(h *bridgeHost) { h.env.First().Socket = "private/relayhost-m365-oauth-service" },
			"/var/spool/postfix/private/relayhost-m365-oauth-service is missing: Postfix reaches no bridge", "systemctl restart relayhost-bridge-m365.socket"},
		{"no program", func(h *bridgeHost) { h.remove(program) }, "Postfix has to start " + program + ", and " + program + " is missing", ""},
		{"a directory in its place", func(h *bridgeHost) { h.remove(program); h.node(program, fs.ModeDir|0o755, 0, 0, "") }, program + ", which is no program", ""},
		{"a closed program", func(h *bridgeHost) { h.node(program, 0o700, 0, 0, "x") }, program + " is closed to others (mode 0700)", ""},
		{"a closed directory", func(h *bridgeHost) { h.node("/usr/local", fs.ModeDir|0o750, 0, 0, "") }, "/usr/local is closed to others (mode 0750)", ""},
		{"a program of another user", func(h *bridgeHost) { h.node(program, 0o755, 33, 0, "x") }, program + " belongs to user 33, who could replace it", ""},
		{"a program that all may write", func(h *bridgeHost) { h.node(program, 0o757, 0, 0, "x") }, "every user can write to " + program + " (mode 0757)", ""},
		{"no such user", func(h *bridgeHost) { h.node("/etc/passwd", 0o644, 0, 0, "root:x:0:0::/root:/bin/sh\n") }, "/etc/passwd does not have that user", "relayhost setup"},
		{"the user is root", func(h *bridgeHost) { h.node("/etc/passwd", 0o644, 0, 0, "relayhost:x:0:0::/:/bin/sh\n") }, "spawn(8) refuses that user", "relayhost setup"},
		{"the user is Postfix's", func(h *bridgeHost) { h.env.State.Params["mail_owner"] = "relayhost" }, "spawn(8) refuses that user", "relayhost setup"},
		{"no configuration", func(h *bridgeHost) { h.remove(home + "/m365.conf") }, home + "/m365.conf is missing", "relayhost setup --credentials-file FILE"},
		{"a configuration that all may read", func(h *bridgeHost) { h.must(os.Chmod(filepath.Join(h.root, home, "m365.conf"), 0o644)) },
			fmt.Sprintf("%s/m365.conf is 0:%d 0644, not root:relayhost 0640", home, bridgeUser), "chown root:relayhost " + home + "/m365.conf && chmod 0640 " + home + "/m365.conf"},
		{"a configuration that is damaged", func(h *bridgeHost) { h.node(home+"/m365.conf", 0o640, 0, bridgeUser, "[") }, home + "/m365.conf: line 1, column", "relayhost setup --credentials-file FILE"},
		{"a link in its place", func(h *bridgeHost) {
			h.remove(home + "/m365.conf")
			h.must(os.Symlink("/etc/passwd", filepath.Join(h.root, home, "m365.conf")))
		}, home + "/m365.conf is of another kind", "relayhost setup"},
		{"an open directory", func(h *bridgeHost) { h.node(home, fs.ModeDir|0o755, 0, bridgeUser, "") }, "0755, not root:relayhost 0750", "chown root:relayhost " + home + " && chmod 0750 " + home},
		{"no state", func(h *bridgeHost) { h.remove(home + "/state") }, home + "/state is missing", "relayhost setup"},
		{"a token of root", func(h *bridgeHost) { h.node(token, 0o600, 0, 0, "{}") }, token + " is 0:0 0600, not relayhost:relayhost 0600", "chown relayhost:relayhost " + token + " && chmod 0600 " + token},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := soundBridge(t)
			h.T = t
			test.hurt(h)
			r := &run{Env: h.env}
			got := r.routeChecks()[0].bridge(t.Context())
			if test.says == "" {
				if len(got) > 0 {
					t.Errorf("got %s, want nothing", strings.ReplaceAll(fmt.Sprintf("%+v", got), "Gehe1m", "***"))
				}
				return
			}
			if len(got) != 1 || got[0].Result != Fail || !strings.Contains(got[0].Detail, test.says) || got[0].Command != test.command || got[0].Remedy == "" {
				t.Errorf("got %s (password: ***), want one failure that says %q, with a remedy and the command %q",
					strings.ReplaceAll(fmt.Sprintf("%+v", got), "Gehe1m", "***"), test.says, test.command)
			}
			if len(got) > 0 && strings.Contains(got[0].Detail+got[0].Remedy, "Gehe1m") {
				t.Error("got the password in the detail or the remedy, want none of it")
			}
		})
	}
}
