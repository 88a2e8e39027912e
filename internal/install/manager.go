package install

import (
	"errors"

	"relayhost/internal/host"
)

// Manager is a package manager: how packages are named and installed with it.
type Manager struct {
	Name     string
	Packages []string   // Postfix, SASL plugin with PLAIN and LOGIN, CA bundle
	Refresh  []string   // fetches the package lists; nil where install does it
	Install  []string   // the packages are appended
	Query    []string   // exits 0 when the package that is appended is installed
	Remark   []int      // exit codes besides 0 of an install that may have succeeded
	Hint     string     // what to do where an install fails for a reason of this manager alone
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
		// A new server upgrades itself just when it is set up: apt.conf(5),
		// DPkg::Lock::Timeout, seconds; without it apt-get gives up at once.
		Install: []string{"apt-get", "install", "-q", "-y", "-o", "DPkg::Lock::Timeout=120", "--no-install-recommends"},
		Query:   []string{"dpkg-query", "-W"},
		Env:     []string{"DEBIAN_FRONTEND=noninteractive", "APT_LISTCHANGES_FRONTEND=none", "NEEDRESTART_MODE=l"},
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
		// EXIT CODES of zypper(8): 102 and 103 ask for a restart, 106 is a
		// repository that was left out, 107 a script of a package.
		Remark: []int{102, 103, 106, 107},
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
		// No -y: new package lists without an upgrade of the host are a partial
		// upgrade, which Arch does not support (System maintenance, Arch wiki).
		Install: []string{"pacman", "-S", "--noconfirm", "--needed"},
		Query:   []string{"pacman", "-Q"},
		Hint:    "pacman -Syu renews the package lists and upgrades this host, which is the only way that Arch supports; then run this again",
	},
}

// ErrNoManager is returned on a host with none of apt, dnf, zypper, apk and
// pacman.
var ErrNoManager = errors.New("this host has no package manager that relayhost knows (apt, dnf, zypper, apk, pacman)")

// FindManager returns the package manager of this host.
func FindManager(r *host.Reader) (Manager, error) {
	for _, m := range managers {
		if r.Has(m.program) {
			return m, nil
		}
	}
	return Manager{}, ErrNoManager
}
