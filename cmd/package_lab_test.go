//go:build lab

package cmd_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"relayhost/internal/lab"
)

// packages are those that .ci/package makes for this architecture from the sources
// in a directory, by name.
func packages(formats, sources string) (map[string][]byte, error) {
	dir, err := os.MkdirTemp("", "relayhost-packages-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(sources, ".ci", "package"), dir)
	cmd.Env = append(os.Environ(), "ARCHES=amd64", "FORMATS="+formats,
		"VERSION=1.2.3", "SOURCE_DATE_EPOCH=1790000000", "MAINTAINER=Maintainer <maintainer@example.com>")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf(".ci/package: %w\n%s", err, out)
	}
	files := map[string][]byte{}
	names, err := os.ReadDir(dir)
	for _, n := range names {
		if files[n.Name()], err = os.ReadFile(filepath.Join(dir, n.Name())); err != nil {
			return nil, err
		}
	}
	return files, err
}

// formats are all in the full table.
func formats() string {
	if fullTable() {
		return "deb apk tar rpm"
	}
	return "deb apk"
}

var built = sync.OnceValues(func() (map[string][]byte, error) { return packages(formats(), "..") })

// pack returns one of the packages, which are built once.
func pack(t *testing.T, name string) []byte {
	t.Helper()
	files, err := built()
	if err != nil {
		t.Fatal(err)
	}
	data, ok := files[name]
	if !ok {
		t.Fatalf("got no %s among the packages, want it", name)
	}
	return data
}

// TestLabPackage puts the .deb on a minimal Debian 12 (with LAB_FULL 11 and 13 as well)
// and takes it off again: it works there, and leaves nothing.
func TestLabPackage(t *testing.T) {
	t.Parallel()
	deb := pack(t, "relayhost_1.2.3_amd64.deb")
	t.Run("reproducible", func(t *testing.T) {
		t.Parallel()
		one, err := built()
		if err != nil {
			t.Fatal(err)
		}
		// A tree without history in another directory, as a distribution has it.
		sources := filepath.Join(t.TempDir(), "relayhost-1.2.3")
		if out, err := exec.CommandContext(t.Context(), "cp", "-r", "..", sources).CombinedOutput(); err != nil {
			t.Fatalf("want no error, got %v\n%s", err, out)
		}
		if err := os.RemoveAll(filepath.Join(sources, ".git")); err != nil {
			t.Fatal(err)
		}
		two, err := packages(formats(), sources)
		if err != nil {
			t.Fatal(err)
		}
		// SHA256SUMS and the list of parts besides.
		if want := len(strings.Fields(formats())) + 2; len(one) != want || len(two) != want {
			t.Errorf("%d and %d files, want %d", len(one), len(two), want)
		}
		for name := range one {
			if !bytes.Equal(one[name], two[name]) {
				t.Errorf("%s differs between two builds, want the same bytes", name)
			}
		}
	})
	t.Run("apk", func(t *testing.T) {
		t.Parallel()
		assertAPK(t, pack(t, "relayhost_1.2.3_x86_64.apk"))
	})
	suites := []lab.Suite{lab.Bookworm}
	if fullTable() {
		suites = append(suites, lab.Bullseye, lab.Trixie)
	}
	for _, suite := range suites {
		t.Run(string(suite), func(t *testing.T) {
			t.Parallel()
			l := lab.New(t, lab.On(suite), lab.NoPostfix(), lab.File("/root/relayhost.deb", deb, 0o644))
			onAndOff(t, l)
		})
	}
	if fullTable() {
		rpm := pack(t, "relayhost-1.2.3-1.x86_64.rpm")
		t.Run("rpm", func(t *testing.T) {
			t.Parallel()
			rpmOnAndOff(t, lab.New(t, lab.NoPostfix(), lab.Packages("rpm"), lab.File("/root/relayhost.rpm", rpm, 0o644)))
		})
		t.Run("lintian", func(t *testing.T) {
			t.Parallel()
			blameless(t, lab.New(t, lab.NoPostfix(), lab.Packages("lintian", "mandoc"), lab.File("/root/relayhost.deb", deb, 0o644)))
		})
	}
	t.Run("in_use", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, lab.Systemd(), lab.Relay("brevo"), lab.File("/root/relayhost.deb", deb, 0o644))
		removedInUse(t, l)
	})
	t.Run("bridge", func(t *testing.T) {
		t.Parallel()
		removedBridge(t, deb)
	})
}

// removedBridge: the package stays while Postfix starts its program, an upgrade goes on
// under running bridges without a message lost or bounced, and after the rollback
// nothing is left but the user that sysusers.d has made.
func removedBridge(t *testing.T, deb []byte) {
	l := signInLab(t, lab.Bookworm)
	s := l.Server
	s.WriteFile("/root/relayhost.deb", string(deb), 0o644)
	s.Shell("dpkg -i /root/relayhost.deb && printf 'relayhost:x:990:\\n' >>/etc/group && printf 'relayhost:x:990:990:relayhost bridge:/:/usr/sbin/nologin\\n' >>/etc/passwd")
	w := ways()[0]
	w.program = "/usr/bin/relayhost"
	if res := w.setup(l); res.Code != 0 {
		t.Fatalf("setup: want exit code 0, got %s\n%s", res, s.MailLog())
	}
	for _, verb := range []string{"--remove", "--purge"} {
		t.Run(verb, func(t *testing.T) {
			if res := l.Run("dpkg", verb, "relayhost"); res.Code == 0 || !strings.Contains(res.Stderr, "relayhost rollback --all") {
				t.Errorf("dpkg %s with mail going by the program: got %s, want a refusal and what to do", verb, res)
			}
		})
	}
	// postconf(1) writes an entry on one line.
	s.Shell(`postconf -M -e "relayhost-m365-oauth-out/unix=$(postconf -M relayhost-m365-oauth-out/unix)"`)
	if res := l.Run("dpkg", "--remove", "relayhost"); res.Code == 0 {
		t.Errorf("dpkg --remove after postconf -M: got %s, want a refusal", res)
	}
	script, err := os.ReadFile("../.config/package/preremove")
	if err != nil {
		t.Fatal(err)
	}
	for version, want := range map[string]string{"1.2.3-r0": "relayhost: apk removes the program all the same", "0": "relayhost rollback --all"} {
		t.Run(version, func(t *testing.T) {
			if res := l.Run("sh", "-c", string(script), "preremove", version); res.Code != 1 || !strings.Contains(res.Stderr, want) {
				t.Errorf("preremove %s: got %s, want exit code 1 and %q", version, res, want)
			}
		})
	}
	upgrade := s.Start("sh", "-c", "for n in 1 2 3; do dpkg -i /root/relayhost.deb || exit 1; done")
	for n := range 20 {
		s.SendMail(mailbox, fmt.Sprintf("n%d@example.net", n), "hello")
	}
	if res := upgrade.Wait(); res.Code != 0 {
		t.Errorf("upgrade: want exit code 0, got %s", res)
	}
	s.Flush()
	waitMessages(t, l, "m365", 22)
	if log := s.MailLog(); strings.Contains(log, "status=bounced") {
		t.Errorf("want no bounce, got\n%s", log)
	}
	if res := l.Run("/usr/bin/relayhost", "rollback", "--all", "--yes", "--force"); res.Code != 0 {
		t.Fatalf("rollback: want exit code 0, got %s", res)
	}
	s.Shell("dpkg --purge relayhost")
	if got := s.Shell("ls -d /usr/bin/relayhost /var/lib/relayhost /var/lib/postfix-relayhost-bridge /usr/lib/sysusers.d/relayhost.conf 2>/dev/null; id -u relayhost"); got != "990\n" {
		t.Errorf("left: got %q, want the user alone", got)
	}
}

func onAndOff(t *testing.T, l *lab.Lab) {
	s := l.Server
	folders := []string{"/usr", "/etc", "/var", "/opt", "/srv"}
	books := []string{"/var/lib/dpkg", "/var/log", "/var/cache"} // dpkg's own
	before := s.Tree(folders...)
	s.Shell("dpkg -i /root/relayhost.deb")
	if res := l.Run("/usr/bin/relayhost", "version"); res.Code != 0 || !strings.HasPrefix(res.Stdout, "relayhost v1.2.3 ") {
		t.Errorf("the program does not run: want exit code 0 and %q at the start of stdout, got %s", "relayhost v1.2.3 ", res)
	}
	for _, file := range []string{
		"/usr/share/bash-completion/completions/relayhost", "/usr/share/zsh/vendor-completions/_relayhost",
		"/usr/share/fish/vendor_completions.d/relayhost.fish", "/usr/share/doc/relayhost/copyright",
		"/usr/share/doc/relayhost/NOTICES", "/usr/share/doc/relayhost/changelog.gz", "/usr/share/lintian/overrides/relayhost",
		"/usr/share/man/man1/relayhost.1.gz", "/usr/share/man/man1/relayhost-verify.1.gz",
		"/usr/lib/sysusers.d/relayhost.conf", "/usr/lib/systemd/system/relayhost-verify.service", "/usr/lib/systemd/system/relayhost-verify.timer",
	} {
		if n, ok := s.Tree(file)[file]; !ok || n.Mode.Perm() != 0o644 || n.UID != 0 || n.GID != 0 {
			t.Errorf("%s: got %v, want a file of root with mode 0644", file, n)
		}
	}
	s.Shell("dpkg --verify relayhost && dpkg -i /root/relayhost.deb && dpkg --purge relayhost")
	if d := before.Without(books...).Diff(s.Tree(folders...).Without(books...)); d != "" {
		t.Errorf("the package has left something: got\n%s\nwant none", d)
	}
	if said := l.Run("dpkg-query", "-W", "relayhost"); said.Code == 0 {
		t.Errorf("still known: want an exit code other than 0, got %s", said)
	}
}

// blameless: a maintainer of Debian finds nothing to fix, nor does one of manual
// pages.
func blameless(t *testing.T, l *lab.Lab) {
	s := l.Server
	res := s.Do(lab.Command{Args: []string{"lintian", "--allow-root", "--pedantic", "--fail-on", "error,warning,pedantic", "/root/relayhost.deb"}, Timeout: 3 * time.Minute})
	if res.Code != 0 {
		t.Errorf("lintian: want exit code 0, got %s", res)
	}
	said := s.Shell("dpkg-deb -x /root/relayhost.deb /root/x && gunzip /root/x/usr/share/man/man1/* && mandoc -T lint -W warning /root/x/usr/share/man/man1/* || true")
	if said != "" {
		t.Errorf("mandoc: got %s, want none", said)
	}
}

// rpmOnAndOff uses the rpm of Debian, whose own packages are not in its
// database: hence --nodeps.
func rpmOnAndOff(t *testing.T, l *lab.Lab) {
	s := l.Server
	s.Shell("rpm --initdb")
	before := s.Tree("/usr", "/etc", "/opt", "/srv", "/var/lib").Without("/var/lib/rpm")
	s.Shell("rpm -i --nodeps --force-debian /root/relayhost.rpm && rpm -V --nodeps relayhost && relayhost version")
	s.Shell("rpm -e --nodeps relayhost")
	if d := before.Diff(s.Tree("/usr", "/etc", "/opt", "/srv", "/var/lib").Without("/var/lib/rpm")); d != "" {
		t.Errorf("the package has left something: got\n%s\nwant none", d)
	}
}

// removedInUse: mail goes on when the package is taken off a server that it has
// set up, and what would take the setup back stays until that is done.
func removedInUse(t *testing.T, l *lab.Lab) {
	s := l.Server
	before := s.Tree("/etc/postfix", "/etc/relayhost", "/var/lib/relayhost", "/etc/systemd", "/usr/lib/systemd")
	s.Shell("dpkg -i /root/relayhost.deb && systemctl enable --now relayhost-verify.timer")
	credentials(l, "brevo", "")
	args := setupArgs(five[5])
	args[0] = "/usr/bin/relayhost"
	if res := l.Run(args...); res.Code != 0 {
		t.Fatalf("setup: want exit code 0, got %s\n%s", res, s.MailLog())
	}
	res := l.Run("dpkg", "--purge", "relayhost")
	if res.Code != 0 || !strings.Contains(res.Stderr, "rollback --all") {
		t.Errorf("purge: want exit code 0 and %q in stderr, got %s", "rollback --all", res)
	}
	if timers := s.Shell("systemctl list-timers --all --no-pager"); strings.Contains(timers, "relayhost") {
		t.Errorf("the timer is still armed: got\n%s\nwant no %q in it", timers, "relayhost")
	}
	s.SendMail("root", "someone@elsewhere.example", "hello")
	waitMessages(t, l, "brevo", 3)

	s.Shell("dpkg -i /root/relayhost.deb")
	if res := l.Run("/usr/bin/relayhost", "rollback", "--all", "--yes"); res.Code != 0 {
		t.Errorf("rollback: want exit code 0, got %s", res)
	}
	s.Shell("dpkg --purge relayhost")
	if d := before.Diff(s.Tree("/etc/postfix", "/etc/relayhost", "/var/lib/relayhost", "/etc/systemd", "/usr/lib/systemd")); d != "" {
		t.Errorf("something is left: got\n%s\nwant none", d)
	}
	if hop := s.Shell("postconf -h relayhost"); strings.Contains(hop, "brevo") {
		t.Errorf("Postfix still sends through the relay: got %q, want no %q in it", hop, "brevo")
	}
}
