package lab

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// suites are those of the lab, oldest first.
var suites = []Suite{Bullseye, Bookworm, Trixie, Sid}

// upgradeDir holds the packages of an upgrade on a server, by suite.
const upgradeDir = "/var/cache/upgrades"

// Upgrades puts on the server what [Server.Upgrade] needs to go to each later suite: a
// server has no way to a mirror. The packages are fetched once a machine.
func Upgrades() Option { return func(c *config) { c.upgrades = true } }

// upgrades makes part/root: the packages by which apt-get(8) goes from one suite to
// each that follows, found by going there.
func upgrades(below []string, part string, from Suite) error {
	for _, d := range []string{"root", "upper", "work", "merged"} {
		if err := os.Mkdir(filepath.Join(part, d), 0o755); err != nil {
			return err
		}
	}
	args := []string{strings.Join(below, ":"), upgradeDir, mirror}
	for _, s := range suites[slices.Index(suites, from)+1:] {
		args = append(args, string(s))
	}
	return build(part, upgradesScript, args...)
}

const upgradesScript = "upper=upper" + enterRoot + `
to=../root$1; mirror=$2; shift 2
for suite; do
	rm -f etc/apt/sources.list.d/*
	echo "deb $mirror $suite main" > etc/apt/sources.list
	update
	inRoot apt-get -qy -o Dpkg::Options::=--force-confold -o Dpkg::Options::=--force-unsafe-io dist-upgrade
	mkdir -p "$to/$suite"
	mv var/cache/apt/archives var/lib/apt/lists "$to/$suite/"
	mkdir -p var/cache/apt/archives/partial var/lib/apt/lists/partial
	cp etc/apt/sources.list "$to/$suite/"
done
`

// Upgrade goes to the next suite in place, as an administrator does: by apt-get
// dist-upgrade, which keeps what has been changed below /etc. The server needs the option
// [Upgrades].
func (s *Server) Upgrade(to Suite) Result {
	s.t.Helper()
	dir := upgradeDir + "/" + string(to)
	return s.Do(Command{
		Args: []string{"apt-get", "-qy", "--no-download", "-o", "Dir::Etc::SourceList=" + dir + "/sources.list", "-o", "Dir::State::Lists=" + dir + "/lists",
			"-o", "Dir::Cache::Archives=" + dir + "/archives", "-o", "Dpkg::Options::=--force-confold", "-o", "Dpkg::Options::=--force-unsafe-io", "dist-upgrade"},
		Env:     []string{"DEBIAN_FRONTEND=noninteractive"},
		Timeout: 20 * time.Minute,
	})
}
