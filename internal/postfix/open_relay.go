package postfix

import (
	"net/netip"
	"slices"
	"strings"
)

// Opening is a way for strangers to send mail through this Postfix, which with a
// relay costs the account (SMTPD_ACCESS_README).
type Opening struct {
	Service   string // of master.cf, e.g. "smtp"
	Parameter string
	Value     string // of the parameter, as the service sees it
	Network   string // the word of mynetworks that is too wide; "" for restrictions
}

// Openings finds the ways for strangers. A list that asks tables or other
// programs is taken to say nothing.
func (s State) Openings() []Opening {
	var list []Opening
	for _, service := range s.Listeners() {
		networks, _ := s.Effective(service, "mynetworks")
		for _, word := range MatchList(networks) {
			if wideNetwork(word) && s.TrustsNetworks(service) {
				list = append(list, Opening{service.Name, "mynetworks", networks, word})
			}
		}
		if name, value := s.permits(service); name != "" {
			list = append(list, Opening{Service: service.Name, Parameter: name, Value: value})
		}
	}
	return list
}

// TrustsNetworks reports whether the restrictions of a listener let the hosts of
// mynetworks relay, or may: a list that is not known refuses nobody.
func (s State) TrustsNetworks(service Service) bool {
	for _, list := range []string{"smtpd_relay_restrictions", "smtpd_recipient_restrictions"} {
		restrictions, _ := s.Effective(service, list)
		words := slices.Clone(Words(restrictions))
		for i, word := range words {
			if word == "permit_mynetworks" {
				words[i] = "permit"
			}
		}
		if _, refuse := verdict(words); refuse {
			return false
		}
	}
	return true
}

// permits names the list that lets everybody relay. Relaying has to pass both
// (postconf(5), smtpd_relay_restrictions); where neither says anything, smtpd(8)
// does not start.
func (s State) permits(service Service) (name, value string) {
	for _, list := range []string{"smtpd_relay_restrictions", "smtpd_recipient_restrictions"} {
		restrictions, known := s.Effective(service, list)
		permit, refuse := verdict(Words(restrictions))
		if !known || refuse {
			return "", ""
		}
		if permit && name == "" {
			name, value = list, restrictions
		}
	}
	return name, value
}

// verdict says what a list of restrictions comes to for a stranger.
func verdict(restrictions []string) (permit, refuse bool) {
	for i, word := range restrictions {
		switch {
		case i > 0 && restrictions[i-1] == "warn_if_reject":
		case word == "permit":
			return true, false
		case slices.Contains([]string{"reject", "defer", "reject_unauth_destination", "defer_unauth_destination"}, word):
			return false, true
		}
	}
	return false, false
}

// Listeners are the smtpd(8) services that others can reach, directly or from
// postscreen(8).
func (s State) Listeners() []Service {
	if s.Master == nil {
		return nil
	}
	var list []Service
	for _, service := range s.Master.Services() {
		if service.Command != "smtpd" || service.Type != "inet" && service.Type != "pass" {
			continue
		}
		local := s.LoopbackOnly()
		if i := strings.LastIndexByte(service.Name, ':'); i >= 0 {
			local = loopback(service.Name[:i])
		}
		if !local {
			list = append(list, service)
		}
	}
	return list
}

// LoopbackOnly reports whether inet_interfaces keeps services without an address
// of their own from others.
func (s State) LoopbackOnly() bool {
	list := Words(s.Params["inet_interfaces"])
	if len(list) == 0 {
		return s.Params == nil
	}
	return !slices.ContainsFunc(list, func(word string) bool { return !loopback(word) })
}

func loopback(address string) bool {
	addr, err := netip.ParseAddr(strings.Trim(address, "[]"))
	return address == "loopback-only" || address == "localhost" || err == nil && addr.IsLoopback()
}

// private are networks that no stranger sends from (RFC 6890).
var private = []netip.Prefix{
	netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("fc00::/7"), netip.MustParsePrefix("fe80::/10"),
}

// wideNetwork reports whether a word of mynetworks holds more public addresses
// than one owner has, as a rule: more than a /16, or than the /32 that a
// provider gets of IPv6.
func wideNetwork(word string) bool {
	p, err := netip.ParsePrefix(strings.NewReplacer("[", "", "]", "").Replace(word))
	if err != nil {
		return false
	}
	p = p.Masked()
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	for _, own := range private {
		if own.Bits() <= p.Bits() && own.Contains(p.Addr()) {
			return false
		}
	}
	return p.Addr().Is4() && p.Bits() < 16 || p.Addr().Is6() && p.Bits() < 32
}
