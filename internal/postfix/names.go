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
	candidates = append(candidates, hostsNames(r, s.Hostname)...)
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

// hostsNames returns the names of the line of /etc/hosts that holds short.
func hostsNames(r *host.Reader, short string) []string {
	data, err := r.ReadFile("/etc/hosts")
	if err != nil || short == "" {
		return nil
	}
	for line := range strings.SplitSeq(string(data), "\n") {
		line, _, _ = strings.Cut(line, "#")
		if f := strings.Fields(line); len(f) > 1 && slices.Contains(f[1:], short) {
			return f[1:]
		}
	}
	return nil
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
