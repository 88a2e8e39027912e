package resolve

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"strings"

	"github.com/miekg/dns"

	"relayhost/internal/host"
)

// maxServers is MAXNS of resolv.conf(5): the C library reads no more either.
const maxServers = 3

// System reads /etc/resolv.conf and /etc/hosts through r.
func System(r *host.Reader) (*Resolver, error) {
	servers, err := readServers(r, "/etc/resolv.conf")
	if err != nil {
		return nil, err
	}
	return &Resolver{Servers: servers, hosts: readHosts(r, "/etc/hosts")}, nil
}

func readServers(r *host.Reader, path string) ([]netip.AddrPort, error) {
	data, err := r.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	conf, err := dns.ClientConfigFromReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	var servers []netip.AddrPort
	for _, s := range conf.Servers {
		if addr, err := netip.ParseAddr(s); err == nil && len(servers) < maxServers {
			servers = append(servers, netip.AddrPortFrom(addr, 53))
		}
	}
	if len(servers) == 0 {
		// resolv.conf(5): without a nameserver line, the one on this machine.
		servers = []netip.AddrPort{netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 53)}
	}
	return servers, nil
}

// readHosts returns the addresses by name (hosts(5)). A file that cannot be
// read is an empty one, as it is to the C library.
func readHosts(r *host.Reader, path string) map[string][]netip.Addr {
	data, err := r.ReadFile(path)
	if err != nil {
		return nil
	}
	hosts := map[string][]netip.Addr{}
	for line := range strings.Lines(string(data)) {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		addr, err := netip.ParseAddr(fields[0])
		if err != nil {
			continue
		}
		for _, name := range fields[1:] {
			name = strings.ToLower(trimDot(name))
			if len(hosts[name]) < maxRecords {
				hosts[name] = append(hosts[name], addr.Unmap())
			}
		}
	}
	return hosts
}
