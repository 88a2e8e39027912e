package lint

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// KnownPorts are the services that Postfix knows by itself (known_tcp_ports,
// since 3.6); others stand in services(5).
var KnownPorts = map[string]int{"lmtp": 24, "smtp": 25, "smtps": 465, "submissions": 465, "submission": 587}

// SplitNextHop reads "[host]:port", "host:port", "[host]" and "host". The port
// is a number or the name of a service.
func SplitNextHop(s string) (hostname, port string, err error) {
	if after, ok := strings.CutPrefix(s, "["); ok {
		var rest string
		if hostname, rest, ok = strings.Cut(after, "]"); !ok {
			return "", "", fmt.Errorf("%q has no closing bracket", s)
		}
		if rest != "" && rest[0] != ':' {
			return "", "", fmt.Errorf("%q has text behind the bracket", s)
		}
		port = strings.TrimPrefix(rest, ":")
	} else {
		hostname, port, _ = strings.Cut(s, ":")
	}
	if hostname == "" || strings.ContainsAny(hostname, "[] ") {
		return "", "", fmt.Errorf("%q names no host", s)
	}
	if strings.Contains(hostname, ":") && !isAddress(strings.TrimPrefix(hostname, "ipv6:")) {
		return "", "", fmt.Errorf("%q: the port belongs behind the bracket", s)
	}
	if strings.HasSuffix(s, ":") {
		return "", "", fmt.Errorf("%q has a colon and no port", s)
	}
	if n, err := strconv.Atoi(port); err == nil && (n < 1 || n > 65535) {
		return "", "", fmt.Errorf("%q: port %d is out of range", s, n)
	} else if _, known := KnownPorts[port]; err != nil && port != "" && !known {
		return "", "", fmt.Errorf("%q: unknown service %q", s, port)
	}
	return hostname, port, nil
}

func isAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}
