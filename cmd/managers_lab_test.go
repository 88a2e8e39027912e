//go:build lab

package cmd_test

import (
	"cmp"
	_ "embed"
	"fmt"
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
)

//go:embed testdata/managers/repackage
var repackage string

// distribution is a Debian root that a package manager of another family runs
// on: the real one, as Debian packages it.
type distribution struct {
	manager  string
	suite    lab.Suite
	tools    []string          // Debian packages
	prepare  string            // after the tools: makes them what they are there
	packages []string          // arguments of repackage
	files    map[string]string // repository lists
	list     string            // the file among them that names the repository
	gone     []string          // what is said where the repository has gone
}

// repo is a repository list of dnf and zypper.
func repo(name, folder string) string {
	return fmt.Sprintf("[%s]\nname=%[1]s\nbaseurl=file://%s\nenabled=1\ngpgcheck=0\n", name, folder)
}

func distributions() []distribution {
	rpm := []string{"createrepo-c", "dnf", "libarchive-tools", "makepkg", "pacman-package-manager", "rpm", "zypper"}
	redHat := []string{
		"rpm", "cyrus-sasl-plain", "ca-certificates",
		"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/pki/tls/certs/ca-bundle.crt",
	}
	yum := map[string]string{"/etc/yum.repos.d/lab.repo": repo("lab", "/repo"), "/etc/dnf/dnf.conf": "[main]\n"}
	return []distribution{
		{
			manager: "dnf", suite: lab.Bookworm, tools: rpm, packages: redHat, files: yum, list: "/etc/yum.repos.d/lab.repo",
			gone: []string{"dnf install failed with exit code 1", "Error: Failed to download metadata for repo 'lab'"},
		},
		{
			manager: "dnf5", suite: lab.Sid, tools: []string{"createrepo-c", "dnf5", "rpm"}, prepare: "ln -s dnf5 /usr/bin/dnf",
			packages: redHat, files: yum, list: "/etc/yum.repos.d/lab.repo",
			gone: []string{"dnf install failed with exit code 1", "lab"},
		},
		{
			manager: "zypper", suite: lab.Bookworm, tools: rpm, prepare: "rm /usr/bin/dnf* && echo %_dbpath /var/lib/rpm > /root/.rpmmacros", // Debian's is ~/.rpmdb
			packages: []string{
				"rpm", "cyrus-sasl-plain", "ca-certificates-mozilla",
				"/var/lib/ca-certificates/ca-bundle.pem", "/etc/ssl/ca-bundle.pem",
			},
			files: map[string]string{
				"/etc/zypp/repos.d/lab.repo": repo("lab", "/repo"),
				// One that is out of order is left out, with exit code 106.
				"/etc/zypp/repos.d/other.repo": repo("other", "/nowhere"),
			},
			list: "/etc/zypp/repos.d/lab.repo",
			gone: []string{"zypper --non-interactive failed with exit code 104", "No provider of 'postfix' found."},
		},
		{
			manager: "pacman", suite: lab.Bookworm, tools: rpm, prepare: "rm /usr/bin/dnf* /usr/bin/zypper",
			packages: []string{"pacman", "cyrus-sasl", "ca-certificates", "/etc/ssl/certs/ca-certificates.crt"},
			files:    map[string]string{"/etc/pacman.conf": "[options]\nArchitecture = auto\nSigLevel = Never\n[lab]\nServer = file:///repo\n"},
			list:     "/etc/pacman.conf",
			gone:     []string{"pacman -S failed with exit code 1", "error: target not found: postfix", "hint: pacman -Syu renews"},
		},
	}
}

// TestLabPackageManagers installs with the real dnf, dnf5, zypper and pacman,
// each from a repository that has the files of Debian's Postfix under the names
// and with the CA bundle in the place of its own distribution, and goes the
// whole way from there. apt is TestLabInstall; apk is in no Debian.
func TestLabPackageManagers(t *testing.T) {
	t.Parallel()
	for _, d := range distributions() {
		t.Run(d.manager, func(t *testing.T) {
			t.Parallel()
			d.installs(t)
		})
	}
}

func (d distribution) installs(t *testing.T) {
	l := lab.New(t, lab.On(d.suite), lab.Packages(d.tools...), lab.Cloud("aws"), lab.MailExchangers(), lab.Port25(lab.Reset), lab.Relay("brevo"))
	s := l.Server
	s.Install()
	credentials(l, "brevo", "")
	s.WriteFile("/root/repackage", repackage, 0o755)
	s.Shell("/root/repackage " + strings.Join(d.packages, " ") + " && " + cmp.Or(d.prepare, "true"))
	setup := lab.Command{
		Args:    []string{"relayhost", "setup", "--relay", "brevo", "--from", "app@example.com", "--credentials-file", "/root/credentials", "--install", "--yes"},
		Timeout: 3 * time.Minute,
	}

	for path, text := range d.files {
		s.WriteFile(path, strings.ReplaceAll(text, "///repo", "///gone"), 0o644)
	}
	res := s.Do(setup)
	if res.Code != 1 || s.Exists("/usr/sbin/postfix") {
		t.Errorf("installed from nowhere: want exit code 1 and no /usr/sbin/postfix, got %s", res)
	}
	for _, said := range d.gone {
		if !strings.Contains(flat(res.Stderr), flat(said)) {
			t.Errorf("want %q in stderr, got %s", said, res)
		}
	}

	s.WriteFile(d.list, d.files[d.list], 0o644)
	if d.manager == "pacman" {
		s.Shell("pacman -Syu --noconfirm") // as the hint says
	}
	res = s.Do(setup)
	if res.Code != 0 || !strings.Contains(flat(res.Stderr), flat("installed postfix, "+d.packages[1]+", "+d.packages[2])) {
		t.Fatalf("setup --install: want exit code 0 and %q in stderr, got %s", "installed postfix, "+d.packages[1]+", "+d.packages[2], res)
	}
	waitMessages(t, l, "brevo", 2)
	if got := strings.TrimSpace(s.Shell("postconf -h inet_interfaces")); got != "loopback-only" {
		t.Errorf("the new Postfix listens on %s, want %q", got, "loopback-only")
	}
	if master := s.ReadFile("/etc/postfix/master.cf"); !strings.Contains(master, "smtp_tls_CAfile="+d.bundle()) {
		t.Errorf("the CA bundle is not %s: got\n%s\nwant %v in it", d.bundle(), master, "smtp_tls_CAfile="+d.bundle())
	}
}

// bundle is the path that Postfix is told: the link where SUSE has one, and the
// file itself on Fedora, which has dropped its link.
func (d distribution) bundle() string {
	if paths := d.packages[3:]; d.manager == "zypper" {
		return paths[1]
	}
	return d.packages[3]
}
