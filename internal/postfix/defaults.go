package postfix

import (
	"fmt"
	"maps"
	"strings"
)

// release is what a distribution's package brings.
type release struct {
	version    Version
	defaultMap string
	mapTypes   []string
	chroot     string // column of master.cf
	main       string // what its main.cf sets besides the names of the host
}

// releases by ID of os-release(5), where it matters with VERSION_ID or its first
// number; "" for what is not listed. Those of Debian are held against installed
// packages (TestLabPageAgreesWithSetup); of the others version and default are as
// testdata/recorded has them. Debian without a number is its unstable branch.
var releases = map[string]release{
	"":             debian(Version{3, 7, 11}, "3.6"),
	"debian:11":    debian(Version{3, 5, 25}, "2"),
	"debian:12":    debian(Version{3, 7, 11}, "3.6"),
	"debian:13":    newDebian(Version{3, 10, 13}, "hash", "3.9", "y"),
	"debian":       newDebian(Version{3, 11, 7}, "cdb", "3.11", "n"),
	"ubuntu:22.04": debian(Version{3, 6, 4}, "3.6"),
	"ubuntu:24.04": debian(Version{3, 8, 6}, "3.6"),
	"rhel":         berkeley(Version{3, 5, 25}, "compatibility_level = 2\n"),
	"rhel:10":      lmdb(Version{3, 8, 5}, "compatibility_level = 3.8\n"),
	"fedora":       berkeley(Version{3, 9, 1}, "compatibility_level = 3.9\n"),
	"amzn":         berkeley(Version{3, 7, 2}, "compatibility_level = 3.7\n"),
	"alpine":       lmdb(Version{3, 10, 6}, "compatibility_level = 3.10\n"),
	"arch":         lmdb(Version{3, 10, 7}, "compatibility_level = 3.10\n"),
	"opensuse":     lmdb(Version{3, 8, 0}, "compatibility_level = 3.8\nbiff = no\n"),
}

func debian(v Version, level string) release {
	return release{
		v, "hash", []string{"btree", "cidr", "hash", "inline", "pipemap", "regexp", "static", "texthash"}, "y",
		"biff = no\nappend_dot_mydomain = no\nreadme_directory = no\ncompatibility_level = " + level + "\n" +
			"smtp_tls_CApath=/etc/ssl/certs\nsmtp_tls_security_level=may\nsmtp_tls_session_cache_database = btree:${data_directory}/smtp_scache\n",
	}
}

// newDebian is Debian from 13 on, whose main.cf names one file of authorities.
func newDebian(v Version, defaultMap, level, chroot string) release {
	return release{
		v, defaultMap, []string{"btree", "cidr", defaultMap, "inline", "pipemap", "regexp", "static", "texthash"}, chroot,
		"compatibility_level = " + level + "\nbiff = no\nsmtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt\n" +
			"smtp_tls_security_level = may\nsmtp_tls_session_cache_database = btree:${data_directory}/smtp_scache\n",
	}
}

// berkeley is a Postfix with Berkeley DB, and without Debian's chroot.
func berkeley(v Version, main string) release {
	return release{v, "hash", []string{"btree", "cidr", "hash", "inline", "regexp", "static", "texthash"}, "n", main}
}

// lmdb is one whose distribution has dropped Berkeley DB.
func lmdb(v Version, main string) release {
	return release{v, "lmdb", []string{"cidr", "inline", "lmdb", "regexp", "static", "texthash"}, "n", main}
}

// Fresh is s, a host without Postfix, as it would be right after its
// distribution has installed one: the base of a difference that is shown before
// anything is installed.
func Fresh(s State) State {
	rel := releases[s.distribution]
	if s.ConfigDir == "" {
		s.ConfigDir = DefaultConfigDir
	}
	name := s.FQDN
	if name == "" {
		name = s.Hostname
	}
	_, domain, found := strings.Cut(name, ".")
	if !found {
		domain = "localdomain"
	}
	main := rel.main + fmt.Sprintf("myhostname = %s\nalias_maps = %s:/etc/aliases\nalias_database = %[2]s:/etc/aliases\n"+
		"mydestination = $myhostname, localhost.%[3]s, localhost\nrelayhost =\nmynetworks = 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128\n"+
		"inet_interfaces = all\ninet_protocols = all\n", name, rel.defaultMap, domain)
	s.Version, s.DefaultMap, s.MapTypes, s.SASLTypes = rel.version, rel.defaultMap, rel.mapTypes, []string{"cyrus"}
	s.QueueDir, s.DataDir, s.MailOwner = "/var/spool/postfix", "/var/lib/postfix", "postfix"
	s.DaemonDir = "/usr/libexec/postfix"
	s.Main, _ = ParseMain([]byte(main))
	s.Master, _ = ParseMaster([]byte(freshMaster(rel.chroot)))
	s.MainMeta.Mode, s.MasterMeta.Mode = 0o644, 0o644
	s.Params = freshParams(s, name, domain)
	s.Maps = map[string][]byte{}
	return s
}

func freshMaster(chroot string) string {
	var b strings.Builder
	for _, f := range []string{
		"smtp inet n - C - - smtpd", "pickup unix n - C 60 1 pickup", "cleanup unix n - C - 0 cleanup", "qmgr unix n - n 300 1 qmgr",
		"tlsmgr unix - - C 1000? 1 tlsmgr", "rewrite unix - - C - - trivial-rewrite", "bounce unix - - C - 0 bounce", "defer unix - - C - 0 bounce",
		"trace unix - - C - 0 bounce", "verify unix - - C - 1 verify", "flush unix n - C 1000? 0 flush", "proxymap unix - - n - - proxymap",
		"proxywrite unix - - n - 1 proxymap", "smtp unix - - C - - smtp", "relay unix - - C - - smtp", "showq unix n - C - - showq",
		"error unix - - C - - error", "retry unix - - C - - error", "discard unix - - C - - discard", "local unix - n n - - local",
		"virtual unix - n n - - virtual", "lmtp unix - - C - - lmtp", "anvil unix - - C - 1 anvil", "scache unix - - C - 1 scache",
		"postlog unix-dgram n - n - 1 postlogd",
	} {
		service, _ := parseService(strings.ReplaceAll(f, " C ", " "+chroot+" "))
		b.WriteString(service.String() + "\n")
	}
	return b.String()
}

// freshParams are the effective values that a setup asks for.
func freshParams(s State, name, domain string) map[string]string {
	params := map[string]string{
		"config_directory": s.ConfigDir, "mydomain": domain, "myorigin": name, "default_transport": "smtp", "relay_transport": "relay",
		"relay_domains": "", "transport_maps": "", "smtp_sasl_auth_enable": "no", "smtp_tls_wrappermode": "no", "maillog_file": "",
		"smtp_fallback_relay": "", "message_size_limit": "10240000", "mailbox_size_limit": "51200000", "header_size_limit": "102400",
		"mail_version": s.Version.String(), "default_database_type": s.DefaultMap, "smtp_sasl_type": "cyrus",
		"smtp_sasl_security_options": "noplaintext, noanonymous", "smtp_sasl_auth_soft_bounce": "yes", "smtp_skip_5xx_greeting": "yes",
	}
	for _, n := range s.Main.Names() {
		value, _ := s.Main.Get(n)
		params[n] = strings.NewReplacer("$myhostname", name, "$mydomain", domain, "${data_directory}", s.DataDir).Replace(value)
	}
	return params
}

// Distribution is one whose package of Postfix is known.
type Distribution struct {
	ID   string `json:"id"` // for FreshOn
	Name string `json:"name"`
	// CAFile is its bundle of authorities (ca-certificates).
	CAFile string `json:"ca_file"`
}

// bundles by family; that of the others is Debian's.
const (
	debianBundle = "/etc/ssl/certs/ca-certificates.crt"
	redHatBundle = "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"
)

// Distributions are those that FreshOn knows.
func Distributions() []Distribution {
	return []Distribution{
		{"debian:13", "Debian 13", debianBundle}, {"debian:12", "Debian 12", debianBundle}, {"debian:11", "Debian 11", debianBundle},
		{"debian", "Debian unstable", debianBundle}, {"ubuntu:24.04", "Ubuntu 24.04", debianBundle}, {"ubuntu:22.04", "Ubuntu 22.04", debianBundle},
		{"rhel:10", "RHEL, Rocky, AlmaLinux 10", redHatBundle}, {"rhel", "RHEL, Rocky, AlmaLinux 9", redHatBundle}, {"fedora", "Fedora", redHatBundle},
		{"amzn", "Amazon Linux 2023", redHatBundle}, {"opensuse", "openSUSE", "/etc/ssl/ca-bundle.pem"}, {"alpine", "Alpine", "/etc/ssl/cert.pem"},
		{"arch", "Arch Linux", debianBundle},
	}
}

// FreshOn is Fresh for a host of the distribution id that is not there to be
// looked at: name is its fully qualified name; Postfix runs, and Cyrus SASL has the
// mechanisms that passwords need. v replaces the version of the distribution where
// it is not zero.
func FreshOn(id, name string, v Version) (State, bool) {
	for _, d := range Distributions() {
		if d.ID != id {
			continue
		}
		short, _, _ := strings.Cut(name, ".")
		s := Fresh(State{distribution: id, Hostname: short, FQDN: name, CAFile: d.CAFile, SASLPlugins: []string{"PLAIN", "LOGIN"}})
		if v != (Version{}) {
			s.Version = v
			s.Params["mail_version"] = v.String()
		}
		s.Installed, s.Running = true, true
		return s, true
	}
	return State{}, false
}

// With is s with another main.cf. What its values refer to is expanded, as far as s
// and main say it; the tables that it names have not been seen.
func (s State) With(main *Main) State {
	s.Main = main
	raw, values := maps.Clone(s.Params), main.Values()
	maps.Copy(raw, values)
	var lookup func(depth int) func(name string) string
	lookup = func(depth int) func(name string) string {
		return func(name string) string {
			if depth > maxReferences {
				return ""
			}
			value, _ := expand(raw[name], lookup(depth+1))
			return value
		}
	}
	s.Params = maps.Clone(s.Params)
	for name := range values {
		s.Params[name] = lookup(0)(name)
	}
	return s
}

// maxReferences is how deep values refer to one another before With gives up: a
// parameter may name itself.
const maxReferences = 20
