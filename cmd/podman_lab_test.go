//go:build lab

package cmd_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
)

// suffice are the capabilities that Postfix and setup need.
var suffice = []string{"CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID", "SYS_CHROOT"}

// baseline are the capabilities that the baseline profile of Kubernetes lets a container
// add: those of a runtime, without NET_RAW
// (https://kubernetes.io/docs/concepts/security/pod-security-standards/, 2026-11-29).
var baseline = append([]string{"AUDIT_WRITE", "FSETID", "MKNOD", "SETFCAP", "SETPCAP"}, suffice...)

// limitedTo gives a container these capabilities, and no way to more.
func limitedTo(caps ...string) []string {
	return []string{"--cap-drop", "ALL", "--cap-add", strings.Join(caps, ","), "--security-opt", "no-new-privileges"}
}

// volumes are what a container with a read-only root has to write to.
func volumes(name string) []string {
	options := []string{"--read-only", "--tmpfs", "/run", "--tmpfs", "/tmp"}
	for _, path := range []string{"/etc/postfix", "/etc/relayhost", "/var/lib/relayhost", "/var/lib/postfix", "/var/spool/postfix"} {
		options = append(options, "-v", name+strings.ReplaceAll(path, "/", "-")+":"+path)
	}
	return options
}

// TestLabContainers builds the image of integrations/container and sets up in containers
// of every kind that Postfix can live in, by podman, in the lab's network.
func TestLabContainers(t *testing.T) {
	if !fullTable() || !lab.HasPodman() {
		t.Log("podman is tried with LAB_FULL=1; here a server of the lab stands for a container")
		likeContainers(t)
		return
	}
	l := lab.New(t, lab.NoPostfix(), lab.NoIPv6(), lab.Relay("sendgrid"), lab.MailExchangers(), lab.Port25(lab.Reset))
	p := l.Server.Podman()
	p.Import("base", lab.Bookworm)
	dir := t.TempDir()
	for _, name := range []string{"Containerfile", "entrypoint"} {
		copyFile(t, filepath.Join("..", "integrations", "container", name), filepath.Join(dir, name))
	}
	copyFile(t, p.Program(), filepath.Join(dir, "relayhost"))
	if res := p.Build("relayhost", dir, "--build-arg", "BASE=localhost/base"); res.Code != 0 {
		t.Fatalf("build: want exit code 0, got %s", res)
	}
	c := containers{t: t, l: l, p: p, relay: l.World.Relay("sendgrid"), dir: t.TempDir()}
	c.write("relay", "username="+c.relay.Username+"\npassword="+c.relay.Password+"\n")
	c.write("ca.pem", string(l.World.CA.PEM))
	bundle := p.Run("run", "--rm", "--network", "none", "--cgroups", "disabled", "--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096",
		"--entrypoint", "cat", "localhost/relayhost", "/etc/ssl/certs/ca-certificates.crt")
	c.write("bundle", bundle.Stdout+string(l.World.CA.PEM))

	for _, row := range []struct {
		name    string
		options []string
		pid1    []string
	}{
		{"PID 1 reaps nothing", nil, []string{"sleep", "1000"}},
		{"init", []string{"--init"}, []string{"sleep", "1000"}},
		{"postfix start-fg", nil, []string{"postfix", "start-fg"}},
		{"Kubernetes, baseline profile", []string{"--cap-drop", "ALL", "--cap-add", strings.Join(baseline, ",")}, []string{"sleep", "1000"}},
		{"eight capabilities, no new privileges", limitedTo(suffice...), []string{"sleep", "1000"}},
		{"read-only root with volumes", volumes("rows"), []string{"sleep", "1000"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			id := c.start(append([]string{"--entrypoint", row.pid1[0]}, row.options...), row.pid1[1:]...)
			before := len(c.relay.Mailbox())
			res := c.setup(id)
			if res.Code != 0 || !strings.Contains(res.Stdout, `"applied"`) {
				t.Errorf("setup: want exit 0 and applied, got %s", res)
			}
			if n := len(c.relay.Mailbox()) - before; n != 2 {
				t.Errorf("got %d messages at the relay, want that of the rehearsal and that of the proof", n)
			}
			t.Logf("figure: setup in a container, %s: %s", row.name, res.Took.Round(100*time.Millisecond))
			if slices.Contains(row.options, "no-new-privileges") {
				c.asNobody(id)
			}
			if res := p.Run("exec", id, "relayhost", "rollback", "--all", "--yes"); res.Code != 0 {
				t.Errorf("rollback: want exit code 0, got %s", res)
			}
		})
	}
	for _, row := range []struct {
		name    string
		options []string
		codes   []int
		says    string
	}{
		{"read-only root without volumes", []string{"--read-only", "--tmpfs", "/run", "--tmpfs", "/tmp"}, []int{1}, "a volume there"},
		{"no capability", []string{"--cap-drop", "ALL"}, []int{1}, "with all capabilities"},
		{"without NET_BIND_SERVICE", limitedTo(slices.DeleteFunc(slices.Clone(suffice), func(c string) bool { return c == "NET_BIND_SERVICE" })...), []int{1, 3}, "this server: restored"},
		{"Kubernetes, restricted profile", append(limitedTo("KILL"), "--cap-drop", "KILL", "--user", "1000"), []int{1}, "must run as root"},
	} {
		t.Run(row.name, func(t *testing.T) {
			id := c.start(append([]string{"--entrypoint", "sleep"}, row.options...), "1000")
			if res := c.setup(id); !slices.Contains(row.codes, res.Code) || !strings.Contains(flat(res.Stderr), flat(row.says)) {
				t.Errorf("setup: want exit code %v and %q, got %s", row.codes, row.says, res)
			}
		})
	}
	t.Run("Kubernetes, restricted profile, by the entry point", func(t *testing.T) {
		res := p.Start([]string{"--rm", "--user", "1000", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"}, "relayhost")
		if res.Code != 1 || strings.Count(res.Stderr, "\n") != 1 || !strings.Contains(res.Stderr, "baseline profile") {
			t.Errorf("want exit code 1 and one sentence, got %s", res)
		}
	})
	t.Run("the image", func(t *testing.T) { c.image(nil) })
	t.Run("the image as the chart runs it", func(t *testing.T) { c.image(append(volumes("chart"), limitedTo(suffice...)...)) })
	p.Run("rm", "--all", "--force", "--time", "0")
	p.Run("volume", "rm", "--all", "--force")
	if files := p.Holds(c.relay.Password); files != "" {
		t.Errorf("got the password in a layer, want it in none: %s", files)
	}
}

// containers are those of one test.
type containers struct {
	t     *testing.T
	l     *lab.Lab
	p     *lab.Podman
	relay *lab.RelayService
	dir   string
}

func (c *containers) write(name, text string) {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o644); err != nil {
		c.t.Fatal(err)
	}
}

// start starts a container of the image in the background; it goes with the test.
func (c *containers) start(options []string, args ...string) (id string) {
	c.t.Helper()
	options = append([]string{"--detach", "-v", filepath.Join(c.dir, "bundle") + ":/etc/ssl/certs/ca-certificates.crt:ro",
		"-v", filepath.Join(c.dir, "relay") + ":/run/secrets/relay:ro"}, options...)
	res := c.p.Start(options, "relayhost", args...)
	if res.Code != 0 {
		c.t.Fatalf("run: want exit code 0, got %s", res)
	}
	id = strings.TrimSpace(res.Stdout)
	c.t.Cleanup(func() { c.p.Run("rm", "--force", "--time", "0", id) })
	return id
}

// setup runs setup in a running container.
func (c *containers) setup(id string) lab.Result {
	c.t.Helper()
	return c.p.Run("exec", id, "sh", "-c", "[ ! -d /var/lib/relayhost ] || chmod 0700 /var/lib/relayhost; [ -e /etc/postfix/main.cf ] || cp -a /usr/share/relayhost-postfix/. /etc/postfix/; relayhost setup --relay sendgrid --from app@example.com --credentials-file - --yes --json < /run/secrets/relay")
}

// asNobody hands mail over by sendmail(1) in a container without new privileges as another
// user than root: it cannot, and does not end; explain tells why.
func (c *containers) asNobody(id string) {
	c.t.Helper()
	res := c.p.Run("exec", "--user", "65534", id, "sh", "-c", "echo hello | timeout 15 sendmail -f app@example.com by-sendmail@example.net")
	if res.Code == 0 || !strings.Contains(res.Stderr, "Permission denied") {
		c.t.Errorf("sendmail of nobody: want a failure that says permission denied, got %s", res)
	}
	if res := c.p.Run("exec", id, "relayhost", "explain", res.Stderr); !strings.Contains(flat(res.Stdout), flat("no-new-privileges")) {
		c.t.Errorf("explain of %q: want no-new-privileges in it, got %s", res.Stderr, res)
	}
}

// image runs the image as it is meant to: set up, then Postfix in the foreground.
func (c *containers) image(options []string) {
	t, p := c.t, c.p
	before := len(c.relay.Mailbox())
	id := c.start(options, "--relay", "sendgrid", "--from", "app@example.com")
	ready := func() bool {
		for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
			if p.Run("exec", id, "relayhost-container", "ready").Code == 0 && strings.Contains(p.Run("exec", id, "cat", "/proc/1/comm").Stdout, "master") {
				return true
			}
		}
		return false
	}
	if !ready() {
		t.Fatalf("got a container that is not ready, want it ready: %s", p.Run("logs", id))
	}
	if n := len(c.relay.Mailbox()) - before; n != 2 {
		t.Errorf("got %d test messages, want that of the rehearsal and that of the proof", n)
	}
	send := func(to string) {
		t.Helper()
		if res := p.Run("exec", id, "sh", "-c", "printf 'Subject: lab\\n\\nhello\\n' | sendmail -f app@example.com "+to); res.Code != 0 {
			t.Errorf("sendmail: want exit code 0, got %s", res)
		}
		for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
			if strings.Contains(p.Run("logs", id).Stdout, "to=<"+to+">") {
				break
			}
		}
		if log := p.Run("logs", id).Stdout; !strings.Contains(log, "to=<"+to+">") || !strings.Contains(log, "status=sent") {
			t.Errorf("the log on standard output: want %q and %q in\n%s", "to=<"+to+">", "status=sent", log)
		}
	}
	send("first@example.net")
	if res := p.Run("stop", "--time", "30", id); res.Code != 0 || res.Took > 20*time.Second {
		t.Errorf("stop: want exit code 0 within 20s, got %s", res)
	}
	if code := strings.TrimSpace(p.Run("inspect", "--format", "{{.State.ExitCode}}", id).Stdout); code != "0" && code != "143" {
		t.Errorf("a stopped container ends with %s, want 0 or 143", code)
	}
	// Started again, it is set up already: no test message is sent.
	count := len(c.relay.Mailbox())
	if res := p.Run("start", id); res.Code != 0 || !ready() {
		t.Fatalf("start again: want exit code 0 and a container that is ready, got %s\n%s", res, p.Run("logs", id))
	}
	if n := len(c.relay.Mailbox()) - count; n != 0 {
		t.Errorf("got %d test messages at the second start, want 0", n)
	}
	send("second@example.net")
	if log := p.Run("logs", id); strings.Contains(log.Stdout+log.Stderr, c.relay.Password) {
		t.Error("the password is in the log, want it nowhere")
	}
	p.Run("rm", "--force", "--time", "0", id)
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// likeContainers is the closest that a server of the lab comes to a container: without
// syslog, with few capabilities and no way to more, on a read-only root.
func likeContainers(t *testing.T) {
	l := lab.New(t, lab.NoLog(), lab.NoIPv6(), lab.Relay("sendgrid"), lab.MailExchangers(), lab.Port25(lab.Reset))
	s := l.Server
	credentials(l, "sendgrid", "")
	s.Install()
	s.Shell("mkdir -p /etc/relayhost && mkdir -m 0700 /var/lib/relayhost")
	before := s.Tree(mailConfig...)
	for _, path := range []string{"/etc", "/var/lib", "/var/spool"} {
		s.Shell("mount --bind " + path + " " + path + " && mount -o remount,ro,bind " + path)
	}
	setup := append([]string{"setpriv", "--no-new-privs", "--bounding-set", "-all,+" + strings.ToLower(strings.Join(suffice, ",+"))}, setupArgs(five[1])...)
	if res := l.Run(setup...); res.Code != 1 || !strings.Contains(flat(res.Stderr), flat("a volume there")) {
		t.Errorf("without volumes: want exit code 1 and %q in stderr, got %s", "a volume there", res)
	}
	for _, path := range []string{"/etc/postfix", "/etc/relayhost", "/var/lib/relayhost", "/var/lib/postfix", "/var/spool/postfix"} {
		s.Shell("mkdir -p /run/volume" + path + " && cp -a " + path + "/. /run/volume" + path + " && mount --bind /run/volume" + path + " " + path)
	}
	if res := l.Run(setup...); res.Code != 0 {
		t.Errorf("with volumes: want exit code 0, got %s", res)
	}
	if n := len(l.World.Relay("sendgrid").Mailbox()); n != 2 {
		t.Errorf("%d messages at the relay, want 2", n)
	}
	if res := l.Run("relayhost", "rollback", "--all", "--yes"); res.Code != 0 {
		t.Errorf("rollback: want exit code 0, got %s", res)
	}
	if d := before.Diff(s.Tree(mailConfig...)); d != "" {
		t.Errorf("not as before: got the differences\n%s\nwant none", d)
	}
}
