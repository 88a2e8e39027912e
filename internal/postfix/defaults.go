package postfix

import (
	"fmt"
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
// number; "" for what is not listed. Debian 12 is the one seen; of the others
// version and default are as testdata/recorded has them.
var releases = map[string]release{
	"":             debian(Version{3, 7, 11}),
	"ubuntu:22.04": debian(Version{3, 6, 4}),
	"ubuntu:24.04": debian(Version{3, 8, 6}),
	"rhel":         berkeley(Version{3, 5, 25}, "compatibility_level = 2\n"),
	"rhel:10":      lmdb(Version{3, 8, 5}, "compatibility_level = 3.8\n"),
	"fedora":       berkeley(Version{3, 9, 1}, "compatibility_level = 3.9\n"),
	"amzn":         berkeley(Version{3, 7, 2}, "compatibility_level = 3.7\n"),
	"alpine":       lmdb(Version{3, 10, 6}, "compatibility_level = 3.10\n"),
	"arch":         lmdb(Version{3, 10, 7}, "compatibility_level = 3.10\n"),
	"opensuse":     lmdb(Version{3, 8, 0}, "compatibility_level = 3.8\nbiff = no\n"),
}

func debian(v Version) release {
	return release{
		v, "hash", []string{"btree", "cidr", "hash", "inline", "pipemap", "regexp", "static", "texthash"}, "y",
		"biff = no\nappend_dot_mydomain = no\nreadme_directory = no\ncompatibility_level = 3.6\n" +
			"smtp_tls_CApath=/etc/ssl/certs\nsmtp_tls_security_level=may\nsmtp_tls_session_cache_database = btree:${data_directory}/smtp_scache\n",
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
