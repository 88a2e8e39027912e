//go:build lab

package lab_test

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"relayhost/internal/lab"
)

func TestMinimalServer(t *testing.T) {
	l := lab.New(t, lab.NoPostfix())
	if r := l.Run("true"); r.Code != 0 {
		t.Errorf("true: got %s\nwant exit 0", r)
	}
	if r := l.Run("postfix", "status"); r.Code != 127 {
		t.Errorf("postfix status without Postfix: got %s\nwant exit 127", r)
	}
	if got := l.Server.Shell("hostname"); got != "host.example.com\n" {
		t.Errorf("host name %q, want %q", got, "host.example.com\n")
	}
	if got := l.Server.ReadFile("/etc/resolv.conf"); got != "nameserver 192.0.2.53\n" {
		t.Errorf("resolv.conf %q, want %q", got, "nameserver 192.0.2.53\n")
	}
	if l.Server.Exists("/sys/class") {
		t.Error("/sys/class: got it on the server, want /sys empty")
	}
	if got := l.Server.Shell("ls /proc | grep -c '^[0-9]'"); len(got) > 2 {
		t.Errorf("processes that the server sees: got %q, want one digit", got)
	}
}

func TestRun(t *testing.T) {
	s := lab.New(t, lab.NoPostfix()).Server
	for _, c := range []struct {
		cmd                  lab.Command
		stdout, stderr, name string
		code                 int
	}{
		{lab.Command{Args: []string{"sh", "-c", "echo out; echo err >&2; exit 3"}}, "out\n", "err\n", "streams and code", 3},
		{lab.Command{Args: []string{"cat"}, Stdin: "in"}, "in", "", "standard input", 0},
		{lab.Command{Args: []string{"sh", "-c", "kill -9 $$"}}, "", "", "signal", 137},
		{lab.Command{Args: []string{"id", "-u"}, UID: 1234}, "1234\n", "", "user", 0},
		{lab.Command{Args: []string{"pwd"}, Dir: "/etc"}, "/etc\n", "", "folder", 0},
		{lab.Command{Args: []string{"sh", "-c", "echo $A$HOME"}, Env: []string{"A=b"}}, "b/root\n", "", "environment", 0},
		{lab.Command{Args: []string{"sh", "-c", "sleep 100 & echo left"}}, "left\n", "", "daemon", 0},
		{lab.Command{Args: []string{"seq", "100000"}}, seq(100000), "", "much output", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := s.Do(c.cmd)
			if r.Stdout != c.stdout || r.Stderr != c.stderr || r.Code != c.code {
				t.Errorf("got exit %d, stdout %.200q (%d bytes), stderr %.200q, want exit %d, stdout %.200q (%d bytes), stderr %q",
					r.Code, r.Stdout, len(r.Stdout), r.Stderr, c.code, c.stdout, len(c.stdout), c.stderr)
			}
			if r.Took > 10*time.Second {
				t.Errorf("took %s, want at most %s", r.Took, 10*time.Second)
			}
		})
	}
	p := s.Start("sleep", "100")
	if err := p.Kill(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if r := p.Wait(); r.Code != 128+15 {
		t.Errorf("sleep ended by SIGTERM: got %s\nwant exit %d", r, 128+15)
	}
}

func seq(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(itoa(i+1) + "\n")
	}
	return b.String()
}

func TestTerminal(t *testing.T) {
	term := lab.New(t, lab.NoPostfix()).Server.StartPTY("sh", "-c",
		`test -t 0 && printf 'name? '; read a; stty -echo; printf 'secret? '; read b; echo "[$a/$b]"; tty; true </dev/tty`)
	term.Expect("name? ")
	term.Type("me\r")
	term.Expect("secret? ")
	term.Type("word\r")
	term.Expect("[me/word]")
	term.Expect("/dev/pts/0")
	if r := term.Wait(); r.Code != 0 {
		t.Errorf("shell at a terminal: got %s\nwant exit 0", r)
	}
	if n := strings.Count(term.Screen(), "word"); n != 1 {
		t.Errorf("the secret is on the screen %d times, want 1:\n%q", n, term.Screen())
	}
}

func TestFiles(t *testing.T) {
	s := lab.New(t, lab.NoPostfix(), lab.File("/opt/x/secret", []byte("1"), 0o600)).Server
	before := s.Tree("/opt", "/etc")
	if d := before.Diff(s.Tree("/opt", "/etc")); d != "" {
		t.Errorf("nothing has changed, and yet: got\n%s\nwant none", d)
	}
	s.Shell("echo 22 > /opt/x/secret; chmod 644 /opt/x/secret; ln -s /etc/hosts /opt/link; rm /etc/hostname; chown 7:8 /etc/hosts")
	want := []string{
		"- /etc/hostname: -rw-r--r-- 0:0 17 bytes sha256 ",
		"- /etc/hosts: -rw-r--r-- 0:0 ",
		"+ /etc/hosts: -rw-r--r-- 7:8 ",
		"+ /opt/link: Lrwxrwxrwx 0:0 -> /etc/hosts",
		"- /opt/x/secret: -rw------- 0:0 1 bytes sha256 6b86b273ff34",
		"+ /opt/x/secret: -rw-r--r-- 0:0 3 bytes sha256 ",
	}
	got := strings.Split(strings.TrimSpace(before.Diff(s.Tree("/opt", "/etc"))), "\n")
	if len(got) != len(want) {
		t.Fatalf("%d differences, not %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("difference %q, not %q", got[i], want[i])
		}
	}
	// The machine's own files are others.
	if _, err := os.Stat("/opt/x/secret"); err == nil {
		t.Error("/opt/x/secret on the machine: got a file, want none")
	}
	s.MountTmpfs("/small", 8192)
	if r := s.Run("sh", "-c", "head -c 20000 /dev/zero > /small/f"); !strings.Contains(r.Stderr, "No space left") {
		t.Errorf("write to a full disk: got %s\nwant %q in stderr", r, "No space left")
	}
}

func TestExt4(t *testing.T) {
	s := lab.New(t, lab.NoPostfix()).Server
	before := s.Tree("/etc")
	s.MountExt4("/etc", 8<<20)
	if d := before.Diff(s.Tree("/etc")); d != "" {
		t.Errorf("the files are not what they were: got\n%s\nwant none", d)
	}
	s.Shell("chattr +i /etc/passwd")
	if r := s.Run("sh", "-c", "echo x >> /etc/passwd"); !strings.Contains(r.Stderr, "Operation not permitted") {
		t.Errorf("write to an immutable file: got %s\nwant %q in stderr", r, "Operation not permitted")
	}
}

// TestRegistries installs a package as a server would, and finds every other
// door shut.
func TestRegistries(t *testing.T) {
	l := lab.New(t, lab.NoPostfix())
	proxy := "http_proxy=" + l.World.Registries()
	r := l.Server.Do(lab.Command{
		Args:    []string{"sh", "-c", "apt-get -q -o Acquire::Check-Valid-Until=false update && apt-get -qy install hello && hello"},
		Env:     []string{proxy, "DEBIAN_FRONTEND=noninteractive"},
		Timeout: 5 * time.Minute,
	})
	if !strings.HasSuffix(r.Stdout, "Hello, world!\n") {
		t.Errorf("install hello through the proxy: got %s\nwant %q at the end of stdout", r, "Hello, world!\n")
	}
	r = l.Server.Do(lab.Command{Args: []string{"/usr/lib/apt/apt-helper", "-o", "Acquire::Retries=0", "download-file", "http://example.com/", "/tmp/x"}, Env: []string{proxy}})
	if r.Code == 0 || !strings.Contains(r.Stdout+r.Stderr, "403") {
		t.Errorf("http://example.com/ through the proxy: got %s\nwant a failure, and %q in the output", r, "403")
	}
}

// TestNeedsRoot runs this test as nobody: it fails, and says why.
func TestNeedsRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		lab.New(t)
		return
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestNeedsRoot$")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "need root") {
		t.Errorf("this test as nobody: got %v\n%s\nwant an error and %q in it", err, out, "need root")
	}
}

func TestDMI(t *testing.T) {
	s := lab.New(t, lab.NoPostfix(), lab.DMI(map[string]string{
		"sys_vendor": "Amazon EC2", "bios_vendor": "Amazon EC2", "product_uuid": "ec2e1916",
	})).Server
	if got := s.ReadFile("/sys/class/dmi/id/modalias"); got != "dmi:bvnAmazonEC2:bvr:bd:svnAmazonEC2:pn:pvr:rvn:rn:rvr:cvn:ct:cvr:sku:\n" {
		t.Errorf("modalias %q, want %q", got, "dmi:bvnAmazonEC2:bvr:bd:svnAmazonEC2:pn:pvr:rvn:rn:rvr:cvn:ct:cvr:sku:\n")
	}
	if r := s.RunAs(1000, "cat", "/sys/class/dmi/id/sys_vendor"); r.Stdout != "Amazon EC2\n" {
		t.Errorf("sys_vendor as user 1000: got %s\nwant stdout %q", r, "Amazon EC2\n")
	}
	if r := s.RunAs(1000, "cat", "/sys/class/dmi/id/product_uuid"); r.Code == 0 {
		t.Errorf("product_uuid as user 1000: got %s\nwant a failure", r)
	}
}

func TestHostname(t *testing.T) {
	s := lab.New(t, lab.Hostname("mx7.corp.test"), lab.Hosts("10.1.2.3 inner")).Server
	for cmd, want := range map[string]string{
		"hostname -f":                "mx7.corp.test\n",
		"postconf -h myhostname":     "mx7.corp.test\n",
		"getent hosts inner":         "10.1.2.3        inner\n",
		"cat /etc/resolv.conf":       "nameserver 192.0.2.53\n",
		"cat /etc/mailname":          "mx7.corp.test\n",
		"postconf -h maillog_file":   "/var/log/mail.log\n",
		"openssl version | cut -c-7": "OpenSSL\n",
		"openssl verify /usr/local/share/ca-certificates/relayhost-lab.crt": "/usr/local/share/ca-certificates/relayhost-lab.crt: OK\n",
	} {
		t.Run(cmd, func(t *testing.T) {
			if got := s.Shell(cmd); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
