package install

import (
	"errors"
	"fmt"

	"relayhost/internal/host"
)

// Manager is a package manager: how packages are named and installed with it.
type Manager struct {
	Name     string
	Packages []string   // Postfix, SASL plug-in with PLAIN and LOGIN, CA bundle
	Refresh  []string   // fetches the package lists; nil where install does it
	Install  []string   // the packages are appended
	Query    []string   // exits 0 when the package that is appended is installed
	Env      []string   // for refresh and install
	program  string     // what shows that the manager is there
	preseed  [][]string // debconf answers, Debian family only
}

// managers in the order they are looked for. Package names: Debian and Ubuntu
// libsasl2-modules, Fedora and RHEL cyrus-sasl-plain, openSUSE
// cyrus-sasl-plain, Alpine cyrus-sasl (and cyrus-sasl-login since 3.9), Arch
// cyrus-sasl has both.
var managers = []Manager{
	{
		Name: "apt", program: "apt-get",
		Packages: []string{"postfix", "libsasl2-modules", "ca-certificates"},
		Refresh:  []string{"apt-get", "update", "-q"},
		Install:  []string{"apt-get", "install", "-q", "-y", "--no-install-recommends"},
		Query:    []string{"dpkg-query", "-W"},
		Env:      []string{"DEBIAN_FRONTEND=noninteractive", "APT_LISTCHANGES_FRONTEND=none", "NEEDRESTART_MODE=l"},
		preseed: [][]string{
			{"postfix/main_mailer_type", "select", "Internet Site"},
		},
	},
	{
		Name: "dnf", program: "dnf",
		Packages: []string{"postfix", "cyrus-sasl-plain", "ca-certificates"},
		Install:  []string{"dnf", "install", "-y", "--setopt=install_weak_deps=False"},
		Query:    []string{"rpm", "-q"},
	},
	{
		Name: "zypper", program: "zypper",
		Packages: []string{"postfix", "cyrus-sasl-plain", "ca-certificates-mozilla"},
		Install:  []string{"zypper", "--non-interactive", "install", "--no-recommends"},
		Query:    []string{"rpm", "-q"},
	},
	{
		Name: "apk", program: "apk",
		Packages: []string{"postfix", "cyrus-sasl", "cyrus-sasl-login", "ca-certificates-bundle"},
		Install:  []string{"apk", "add", "--no-cache"},
		Query:    []string{"apk", "info", "-e"},
	},
	{
		Name: "pacman", program: "pacman",
		Packages: []string{"postfix", "cyrus-sasl", "ca-certificates"},
		Install:  []string{"pacman", "-Sy", "--noconfirm", "--needed"},
		Query:    []string{"pacman", "-Q"},
	},
}

// ErrNoManager is returned on a host with none of apt, dnf, zypper, apk and
// pacman.
var ErrNoManager = errors.New("no package manager known here (apt, dnf, zypper, apk, pacman)")

// FindManager returns the package manager of this host.
func FindManager(r *host.Reader) (Manager, error) {
	for _, m := range managers {
		if r.Has(m.program) {
			return m, nil
		}
	}
	return Manager{}, ErrNoManager
}

// OtherMTA is a mail server that is not Postfix.
type OtherMTA struct {
	Name    string // "Exim"
	Program string // the path that shows it
	Scope   string // what relayhost does about it
}

// others are looked for by the path of their daemon; nullmailer and msmtp-mta
// own /usr/sbin/sendmail without being a server.
var others = []OtherMTA{
	{Name: "Exim", Program: "/usr/sbin/exim4"},
	{Name: "Exim", Program: "/usr/sbin/exim"},
	{Name: "OpenSMTPD", Program: "/usr/sbin/smtpd"},
	{Name: "sendmail", Program: "/usr/sbin/sendmail-mta"},
	{Name: "sendmail", Program: "/usr/lib/sm.bin/sendmail"},
	{Name: "nullmailer", Program: "/usr/sbin/nullmailer-send"},
	{Name: "msmtp", Program: "/usr/bin/msmtp"},
	{Name: "DragonFly Mail Agent", Program: "/usr/sbin/dma"},
}

// FindOther returns the mail server that is installed in place of Postfix.
func FindOther(r *host.Reader) (OtherMTA, bool) {
	for _, o := range others {
		if _, err := r.Stat(o.Program); err == nil {
			o.Scope = fmt.Sprintf("%s is installed (%s); relayhost configures Postfix only", o.Name, o.Program)
			return o, true
		}
	}
	return OtherMTA{}, false
}
