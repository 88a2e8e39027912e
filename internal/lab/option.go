package lab

import (
	"io/fs"
	"maps"
	"slices"
	"time"
)

// Suite is a Debian release by its code name.
type Suite string

// The suites that the lab is tried with, and the Postfix each brings.
const (
	Bullseye Suite = "bullseye" // Debian 11, Postfix 3.5
	Bookworm Suite = "bookworm" // Debian 12, Postfix 3.7
	Trixie   Suite = "trixie"   // Debian 13, Postfix 3.10
	Sid      Suite = "sid"      // Debian unstable, Postfix 3.11
)

// Option says how a lab, or a server in it, differs from the plain one.
type Option func(*config)

// config is what the options fill in. The first part concerns the world and
// counts in [New] only, the rest each server.
type config struct {
	// services run once the world's namespace is up, in order, and before
	// any server starts.
	services []func(*World)

	suite    Suite
	upgrades bool
	postfix  bool
	systemd  bool
	log      bool
	packages []string
	hostname string
	hosts    []string
	resolver []string
	// dmi holds the files of /sys/class/dmi/id by name. Nil: no such directory.
	dmi   map[string]string
	files map[string]file
	delay time.Duration
	ipv6  bool
	// logQueue is net.unix.max_dgram_qlen, which systemd sets to 512 when it boots.
	logQueue int
	route4   bool
	route6   bool
	started  bool
	// authorities leaves all of the distribution's certificate authorities in place.
	authorities bool
}

// file is a file to put on the server before anything runs there.
type file struct {
	data []byte
	mode fs.FileMode
}

func plain() *config {
	return &config{
		suite: Bookworm, postfix: true, log: true,
		hostname: "host.example.com",
		resolver: []string{dns4.String()},
		files:    map[string]file{},
		ipv6:     true, route4: true, route6: true, logQueue: 512,
	}
}

// with returns a copy of c that the options have changed.
func (c *config) with(opts []Option) *config {
	d := *c
	d.services = slices.Clone(c.services)
	d.packages = slices.Clone(c.packages)
	d.hosts = slices.Clone(c.hosts)
	d.dmi = maps.Clone(c.dmi)
	d.files = maps.Clone(c.files)
	for _, o := range opts {
		o(&d)
	}
	return &d
}

// On chooses the Debian release; without it the server runs [Bookworm].
func On(s Suite) Option { return func(c *config) { c.suite = s } }

// NoPostfix gives the server a minimal root without Postfix, SASL plugins or
// CA certificates.
func NoPostfix() Option { return func(c *config) { c.postfix = false } }

// Systemd boots systemd as PID 1 of the server. Postfix then logs to the
// journal, and is started as the distribution's unit.
func Systemd() Option { return func(c *config) { c.systemd, c.log = true, false } }

// NoLog leaves the server without maillog_file and so without any mail log.
func NoLog() Option { return func(c *config) { c.log = false } }

// ShortLogQueue leaves the socket that postlogd(8) reads as short as the kernel
// makes it in a container, and where no systemd has booted: 10 messages.
func ShortLogQueue() Option { return func(c *config) { c.logQueue = 10 } }

// AllAuthorities leaves the server all certificate authorities of its distribution in
// place of a few: for figures.
func AllAuthorities() Option { return func(c *config) { c.authorities = true } }

// Postfix starts Postfix before [New] returns.
func Postfix() Option { return func(c *config) { c.started = true } }

// Packages adds Debian packages to the server's root. Each set of packages
// becomes one more layer in the cache.
func Packages(names ...string) Option {
	return func(c *config) { c.packages = append(c.packages, names...) }
}

// Hostname sets the host's name, and myhostname where Postfix is installed.
func Hostname(name string) Option { return func(c *config) { c.hostname = name } }

// Hosts adds lines to the server's /etc/hosts.
func Hosts(lines ...string) Option {
	return func(c *config) { c.hosts = append(c.hosts, lines...) }
}

// Resolver sets the name servers of the server's resolv.conf. The default is
// the world's DNS, 192.0.2.53.
func Resolver(addrs ...string) Option {
	return func(c *config) { c.resolver = slices.Clone(addrs) }
}

// DMI puts files below /sys/class/dmi/id: the identity that the firmware of a
// machine reports, by file name ("sys_vendor", "product_name", ...). The
// modalias is made from the others unless it is given. Without DMI the directory
// does not exist, as in a container or a Firecracker machine.
func DMI(files map[string]string) Option {
	return func(c *config) {
		if c.dmi == nil {
			c.dmi = map[string]string{}
		}
		maps.Copy(c.dmi, files)
	}
}

// File puts a file on the server before anything runs there.
func File(path string, data []byte, mode fs.FileMode) Option {
	return func(c *config) { c.files[path] = file{data, mode} }
}

// Delay holds every packet between the server and the world for d, each way:
// a round trip takes 2d.
func Delay(d time.Duration) Option { return func(c *config) { c.delay = d } }

// NoIPv6 gives the server no IPv6 address but the loopback's.
func NoIPv6() Option { return func(c *config) { c.ipv6 = false } }

// NoRoute6 gives the server an IPv6 address but no default route.
func NoRoute6() Option { return func(c *config) { c.route6 = false } }

// NoRoute4 gives the server an IPv4 address but no default route.
func NoRoute4() Option { return func(c *config) { c.route4 = false } }

// Port25 sets what the provider does with connections to port 25.
func Port25(f Fate) Option { return Port(25, f, Both) }

// Port sets what the provider does with connections to a TCP port.
func Port(port int, f Fate, family Family) Option {
	return func(c *config) {
		c.services = append(c.services, func(w *World) { w.Block(port, f, family) })
	}
}
