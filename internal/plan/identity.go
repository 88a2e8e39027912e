package plan

import (
	"slices"
	"strings"

	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/templates"
)

// localDomainParams name the domains whose mail stays on this server
// (ADDRESS_CLASS_README).
var localDomainParams = []string{"mydestination", "virtual_alias_domains", "virtual_mailbox_domains"}

// senders rewrites the senders that this host makes up and the relay would
// refuse to the address of --from. smtp_generic_maps rewrites recipients as
// well, so it gets only names whose mail never leaves; the others go by
// sender_canonical_maps, which is for senders alone.
func (b *builder) senders() error {
	b.helo()
	local, foreign := b.ownNames()
	if b.o.Relay.Sender.Single {
		return b.oneSender(local)
	}
	if err := b.generic(local); err != nil {
		return err
	}
	return b.canonical(foreign)
}

// ownNames lists the domains of addresses that this host makes up by itself,
// those whose mail stays here and those whose mail does not.
func (b *builder) ownNames() (local, foreign []string) {
	from := domainOf(b.o.From)
	origin := b.origin()
	names := []string{b.param("myhostname"), origin, b.s.FQDN, b.s.Hostname, "localhost", "localhost." + b.param("mydomain")}
	for i, name := range names {
		name = strings.ToLower(strings.TrimSuffix(name, "."))
		key := "@" + name
		if !isName(name) || name == from && !b.o.Relay.Sender.Single {
			continue
		}
		if name == strings.ToLower(origin) && !b.isHostName(name) && postfix.Qualified(name) {
			// A mail domain with people in it: only root's mail is the host's own.
			key = "root@" + name
			b.note("senders at %s leave as they are (root aside): %s has to know that domain too", name, b.d.RelayName)
		}
		switch {
		case slices.Contains(local, key) || slices.Contains(foreign, key):
		case b.isLocal(name):
			local = append(local, key)
		case i < 2: // what Postfix itself appends; the rest is only heard of
			foreign = append(foreign, key)
		}
	}
	return local, foreign
}

func (b *builder) isHostName(name string) bool {
	return strings.EqualFold(name, b.param("myhostname")) || strings.EqualFold(name, b.s.Hostname) || strings.EqualFold(name, b.s.FQDN)
}

// origin is the domain that Postfix appends to local addresses. Debian allows
// myorigin to be the path of a file.
func (b *builder) origin() string {
	value := b.param("myorigin")
	if strings.HasPrefix(value, "/") {
		line, _, _ := strings.Cut(string(b.s.Maps[value]), "\n")
		return strings.TrimSpace(line)
	}
	return value
}

// isName admits what may stand as a key, underscores in host names included.
func isName(s string) bool {
	return s != "" && strings.Trim(s, lower+digits+"-_.") == "" && !strings.HasPrefix(s, ".") && !strings.HasSuffix(s, ".")
}

func (b *builder) isLocal(domain string) bool {
	return slices.ContainsFunc(localDomainParams, func(name string) bool { return b.inList(name, domain) })
}

// inList reports whether domain is in a list parameter, by name, as a line of a
// file (/path) or as a key of a table whose source is known.
func (b *builder) inList(param, domain string) bool {
	for _, word := range splitList(b.param(param)) {
		if strings.EqualFold(word, domain) {
			return true
		}
		for _, t := range postfix.ParseTables(word, b.s.DefaultMap) {
			if text, ok := b.s.Maps[t.Path]; ok {
				if _, found := parseTable(text).get(domain); found {
					return true
				}
			}
		}
	}
	return false
}

func (b *builder) generic(keys []string) error {
	global, _ := b.main.Get("smtp_generic_maps")
	if len(keys) > 0 {
		b.d.Senders = keys
		ours, err := b.newMap(genericFile, templates.Generic, sendersOf(keys, b.o.From))
		if err != nil {
			return err
		}
		b.d.GenericMap = ours
		if global != "" {
			b.d.GenericMap += "," + strings.Join(splitList(global), ",")
		}
	}
	return nil
}

func (b *builder) canonical(keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	b.d.Senders = keys
	ours, err := b.newMap(senderFile, templates.SenderCanonical, sendersOf(keys, b.o.From))
	if err != nil {
		return err
	}
	b.d.SenderCanonicalMaps = b.merge("sender_canonical_maps", ours, false)
	return nil
}

// oneSender is for services that take one address and no other. On a host that
// only sends every sender becomes that address; elsewhere that would rewrite
// the mail of people, so only the host's own names do.
func (b *builder) oneSender(local []string) error {
	if b.nullClient() {
		b.d.SenderCanonicalMaps = b.merge("sender_canonical_maps", "static:"+b.o.From, true)
		return nil
	}
	b.note("%s takes mail from %s only: mail of other senders on this server waits in the queue", b.d.RelayName, b.o.From)
	return b.generic(local)
}

// nullClient reports whether this host only sends: no mail is delivered here
// and none is taken from elsewhere (STANDARD_CONFIGURATION_README).
func (b *builder) nullClient() bool {
	for _, name := range append([]string{"relay_domains"}, localDomainParams...) {
		for _, word := range splitList(b.param(name)) {
			if !b.isHostName(word) && word != "localhost" && !strings.HasPrefix(word, "localhost.") {
				return false
			}
		}
	}
	return b.loopbackOnly()
}

func sendersOf(keys []string, from string) map[string]secret.Value {
	m := make(map[string]secret.Value, len(keys))
	for _, key := range keys {
		m[key] = secret.New(from)
	}
	return m
}

// helo gives the relay a name that services accept where myhostname is none.
func (b *builder) helo() {
	set, inMain := b.main.Get("smtp_helo_name")
	name := b.param("smtp_helo_name")
	if !inMain || strings.Contains(set, "$myhostname") {
		name = b.param("myhostname")
	}
	if b.s.Params == nil || postfix.Qualified(name) {
		return
	}
	b.d.HeloName = b.s.FQDN
	if b.d.HeloName == "" {
		b.d.HeloName = domainOf(b.o.From)
	}
	b.note("myhostname = %s is no name that services accept; the relay is greeted as %s", b.param("myhostname"), b.d.HeloName)
}

func domainOf(address string) string {
	return strings.ToLower(address[strings.LastIndexByte(address, '@')+1:])
}
