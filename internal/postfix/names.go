//go:build unix

package postfix

import (
	"slices"
	"strings"

	"relayhost/internal/host"
	"relayhost/internal/mailaddr"
)

// hostname is the name that the kernel knows.
func hostname(r *host.Reader) string {
	for _, path := range []string{"/proc/sys/kernel/hostname", "/etc/hostname"} {
		if data, err := r.ReadFile(path); err == nil {
			if name := strings.TrimSpace(string(data)); name != "" {
				return name
			}
		}
	}
	return ""
}

// HostFQDN returns a fully qualified name of this host without asking Postfix or
// DNS, or "".
func HostFQDN(r *host.Reader) string { return fqdn(r, State{Hostname: hostname(r)}) }

// fqdn returns a fully qualified name of this host that a relay can accept as
// HELO name (RFC 5321 section 4.1.1.1), or "". It asks no DNS.
func fqdn(r *host.Reader, s State) string {
	candidates := []string{s.Params["myhostname"], s.Hostname}
	candidates = append(candidates, slices.Concat(hostsLines(r, s.Hostname)...)...)
	if name, _, found := strings.Cut(s.Hostname, "."); !found {
		candidates = append(candidates, name+"."+s.Params["mydomain"], name+"."+searchDomain(r))
	}
	for _, name := range candidates {
		if mailaddr.Qualified(name) {
			return strings.ToLower(name)
		}
	}
	return ""
}

// hostNames lists the names that programs of this host put behind a user: what
// hostname(1) -f answers (the line of /etc/hosts, or the search domain of DNS), what
// append_dot_mydomain (postconf(5)) makes of the short name, and /etc/mailname, which
// mail programs of Debian read (Debian Policy 11.6). Other names in /etc/hosts may be
// sites of customers.
func hostNames(r *host.Reader, s State) (names []string) {
	short, _, _ := strings.Cut(s.Hostname, ".")
	for _, line := range hostsLines(r, s.Hostname) {
		for i, name := range line {
			if i == 0 || strings.HasPrefix(name, short+".") {
				names = append(names, name)
			}
		}
	}
	for _, domain := range []string{s.Params["mydomain"], searchDomain(r)} {
		if domain != "" && short != "" {
			names = append(names, short+"."+domain)
		}
	}
	if data, err := r.ReadFile("/etc/mailname"); err == nil {
		line, _, _ := strings.Cut(strings.TrimSpace(string(data)), "\n")
		names = append(names, strings.TrimSpace(line))
	}
	return names
}

// maxSystemUID is below the IDs that people get (UID_MIN of login.defs(5), since about 2012 in
// every distribution); nobody is above them.
const maxSystemUID = 999

// accounts lists the system accounts of this host, root first: cron(8) and daemons send
// as those.
func accounts(r *host.Reader) []string {
	users, err := host.Users(r)
	if err != nil {
		return nil
	}
	var names []string
	for _, u := range users {
		if system := u.UID >= 0 && u.UID <= maxSystemUID || u.Name == "nobody"; system && u.Name != "root" && mailaddr.IsLocal(u.Name) {
			names = append(names, strings.ToLower(u.Name))
		}
	}
	slices.Sort(names)
	return append([]string{"root"}, slices.Compact(names)...)
}

// hostsLines are the names of each line of /etc/hosts that holds short.
func hostsLines(r *host.Reader, short string) (found [][]string) {
	data, err := r.ReadFile("/etc/hosts")
	if err != nil || short == "" {
		return nil
	}
	for line := range strings.SplitSeq(string(data), "\n") {
		line, _, _ = strings.Cut(line, "#")
		if f := strings.Fields(line); len(f) > 1 && slices.Contains(f[1:], short) {
			found = append(found, f[1:])
		}
	}
	return found
}

// searchDomain is the first domain that resolv.conf(5) names.
func searchDomain(r *host.Reader) string {
	data, err := r.ReadFile("/etc/resolv.conf")
	if err != nil {
		return ""
	}
	for line := range strings.SplitSeq(string(data), "\n") {
		if f := strings.Fields(line); len(f) > 1 && (f[0] == "search" || f[0] == "domain") {
			return strings.TrimSuffix(f[1], ".")
		}
	}
	return ""
}
