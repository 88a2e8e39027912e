package lint

import (
	"slices"
	"strings"
)

// TLS is what smtp(8) or lmtp(8) asks of the TLS with a next hop.
type TLS struct {
	// Level is one of tls_security_level in postconf(5), in lower case and as it is
	// written: it need not exist. "" is an empty entry of a policy table, which defers
	// the mail.
	Level string
	By    string   // what sets it: "name = value", "encrypt in hash:/etc/postfix/tls_policy", or "name is not set"
	Words []string // attributes of the entry in the policy table, "match=nexthop": the name in lower case, without braces
	Table string   // that has the entry, with its type; "" for none
	// Fault is what Postfix does not take in the attributes: it defers the mail then
	// ("client TLS configuration problem"). "" for nothing.
	Fault string
}

// TLSOf finds the TLS of a service for a next hop in the order of smtp(8)
// (src/smtp/smtp_tls_policy.c, policy_create and global_tls_level): the policy table, or
// where none is configured what came before it, and then the parameters. prefix is
// "smtp_" or "lmtp_", param a parameter as the service sees it, and get looks a key up in
// the value of a ..._maps parameter and says which table had it.
func TLSOf(prefix, nextHop string, param func(name string) string, get func(maps, key string) (value, table string, ok bool)) TLS {
	general := generalTLS(prefix, param)
	if maps := param(prefix + "tls_policy_maps"); maps != "" {
		for _, key := range PolicyKeys(nextHop) {
			if value, table, ok := get(maps, key); ok {
				return policy(value, table)
			}
		}
		return general
	}
	if sites := param(prefix + "tls_per_site"); sites != "" {
		return perSite(sites, nextHop, general, get)
	}
	return general
}

// Attribute is the value of name=value in the entry of the policy table, "" for none. Of
// several the last counts (connection_reuse); what may stand only once is a Fault then.
func (t TLS) Attribute(name string) string {
	for _, word := range slices.Backward(t.Words) {
		if value, ok := strings.CutPrefix(word, name+"="); ok {
			return value
		}
	}
	return ""
}

// policy reads an entry of the policy table as tls_policy_lookup_one does
// (src/smtp/smtp_tls_policy.c): a level, and attributes, which do not count without TLS.
func policy(value, table string) TLS {
	words := append(SplitList(value), "")
	t := TLS{Level: strings.ToLower(words[0]), By: words[0] + " in " + table, Table: table}
	if t.Level == "none" {
		return t
	}
	exists := slices.Contains(enumerations["smtp_tls_security_level"], t.Level) // else that is the fault
	for _, word := range words[1:max(1, len(words)-1)] {
		name, value, fault := attribute(word)
		if fault == "" {
			fault = t.refuses(name, value)
		}
		if exists && t.Fault == "" {
			t.Fault = fault
		}
		t.Words = append(t.Words, name+"="+value)
	}
	return t
}

// attribute takes name=value or { name = value } apart.
func attribute(word string) (name, value, fault string) {
	text := word
	if inside, ok := strings.CutPrefix(word, "{"); ok {
		if inside, ok = strings.CutSuffix(inside, "}"); !ok {
			return strings.ToLower(word), "", word + " has no closing brace"
		}
		text = strings.Join(strings.Fields(inside), " ")
	}
	name, value, ok := strings.Cut(text, "=")
	if name = strings.ToLower(strings.TrimSpace(name)); !ok || name == "" || strings.Contains(name, " ") {
		fault = word + " is no name=value"
	}
	return name, strings.TrimSpace(value), fault
}

// once are the attributes that may stand only once, and often those that add up, or of
// which the last counts.
var (
	once  = []string{"ciphers", "protocols", "servername", "exclude", "policy_ttl", "policy_type", "policy_domain", "policy_failure"}
	often = []string{"match", "tafile", "connection_reuse", "enable_rpk", "policy_string", "mx_host_pattern"}
)

// refuses says why Postfix does not take an attribute behind those that t has, "" if it does.
func (t TLS) refuses(name, value string) string {
	again := slices.ContainsFunc(t.Words, func(w string) bool { return strings.HasPrefix(w, name+"=") })
	verifies := t.Level == "verify" || t.Level == "secure"
	switch {
	case !slices.Contains(once, name) && !slices.Contains(often, name):
		return "Postfix has no attribute " + name
	case again && slices.Contains(once, name):
		return name + " is given more than once"
	case value == "" && slices.Contains([]string{"ciphers", "match", "tafile"}, name):
		return name + " is empty"
	case name == "servername" && !isHostname(value):
		return "servername=" + value + " is no host name"
	case name == "match" && !verifies && t.Level != "fingerprint", name == "tafile" && !verifies:
		return name + " does not go with the level " + t.Level
	case (name == "connection_reuse" || name == "enable_rpk") && !isBoolean(strings.ToLower(value)):
		return name + "=" + value + " is not yes or no"
	}
	return ""
}

// generalTLS is the level of all next hops that no table names.
func generalTLS(prefix string, param func(string) string) TLS {
	on := func(name string) bool { return strings.EqualFold(param(prefix+name), "yes") }
	name := prefix + "tls_security_level"
	switch level := strings.ToLower(param(name)); {
	case level != "":
		return TLS{Level: level, By: name + " = " + level}
	case on("enforce_tls") && !strings.EqualFold(param(prefix+"tls_enforce_peername"), "no"):
		return TLS{Level: "verify", By: prefix + "enforce_tls = yes"}
	case on("enforce_tls"):
		return TLS{Level: "encrypt", By: prefix + "enforce_tls = yes"}
	case on("use_tls"):
		return TLS{Level: "may", By: prefix + "use_tls = yes"}
	}
	return TLS{Level: "none", By: name + " is not set"}
}

// siteLevels are the words of smtp_tls_per_site (postconf(5)), the weakest first; NONE
// comes before MAY all the same.
var siteLevels = []siteLevel{{"may", "may"}, {"none", "none"}, {"must_nopeermatch", "encrypt"}, {"must", "verify"}}

type siteLevel struct{ word, level string }

// perSite finds the TLS by the next hop and by the server's name, of which the stronger
// entry counts.
func perSite(sites, nextHop string, general TLS, get func(maps, key string) (value, table string, ok bool)) TLS {
	keys := []string{nextHop}
	if host, _, err := SplitNextHop(nextHop); err == nil && !strings.EqualFold(host, nextHop) {
		keys = append(keys, host)
	}
	best, found := -1, TLS{}
	for _, key := range keys {
		value, table, ok := get(sites, key)
		if !ok {
			continue
		}
		if !slices.ContainsFunc(siteLevels, func(s siteLevel) bool { return strings.EqualFold(value, s.word) }) {
			return TLS{Level: strings.ToLower(value), By: value + " in " + table} // it defers the mail
		}
		for i, s := range siteLevels {
			if strings.EqualFold(value, s.word) && i > best {
				best, found = i, TLS{Level: s.level, By: value + " in " + table}
			}
		}
	}
	if best < 0 || found.Level == "may" && !slices.Contains([]string{"none", "may"}, general.Level) {
		return general // MAY is a permission, which a stronger general level overrides
	}
	return found
}

// PolicyKeys are the keys of smtp_tls_policy_maps for a next hop: as it is written, and
// for a domain its parents with a dot. A next hop with a bracket or a port, or one of
// digits alone, an address, has no parents (tls_policy_lookup in smtp_tls_policy.c).
func PolicyKeys(nextHop string) []string {
	keys := []string{nextHop}
	for rest := nextHop; isHostname(nextHop); {
		i := strings.IndexByte(rest[1:], '.')
		if i < 0 {
			break
		}
		rest = rest[1+i:]
		keys = append(keys, rest)
	}
	return keys
}

// isHostname is valid_utf8_hostname of Postfix (src/util/valid_hostname.c); bytes that are
// not ASCII count as letters.
func isHostname(s string) bool {
	if s == "" || strings.Trim(s, "0123456789.") == "" {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' || strings.ContainsFunc(label, func(r rune) bool {
			return r < 0x80 && r != '-' && r != '_' && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z')
		}) {
			return false
		}
	}
	return true
}

// tls is the TLS of an entry of master.cf for a next hop, by the tables that can be read.
func (v *View) tls(s Service, nextHop string) TLS {
	return TLSOf("smtp_", nextHop, func(name string) string { return v.of(s, name) }, v.lookUp)
}

// lookUp is get of TLSOf by the sources of tables.
func (v *View) lookUp(maps, key string) (value, table string, ok bool) {
	if v.Lookups == nil {
		return "", "", false
	}
	value, ok = v.Lookups.Get(maps, key)
	return value, maps, ok
}

// LostCertificate finds the parameters of the client's own certificate that name a file
// that is not there, and that file. smtp(8) has no TLS then, to whatever server
// (src/tls/tls_certkey.c). exists is that of Config.
func LostCertificate(params map[string]string, exists func(path string) (exists, known bool)) (lost []Param) {
	pairs := [][]string{{"smtp_tls_cert_file", "smtp_tls_key_file"}, {"smtp_tls_eccert_file", "smtp_tls_eckey_file"}}
	if params["smtp_tls_chain_files"] != "" {
		pairs = [][]string{{"smtp_tls_chain_files"}}
	}
	for _, pair := range pairs {
		if params[pair[0]] == "" {
			continue // the key alone is not read
		}
		for _, name := range pair {
			i := slices.IndexFunc(Words(params[name]), func(path string) bool {
				there, known := exists(path)
				return strings.HasPrefix(path, "/") && known && !there
			})
			if i >= 0 {
				lost = append(lost, Param{Name: name, Value: Words(params[name])[i]})
				break
			}
		}
	}
	return lost
}

func lostCertificate(v *View) (found []Finding) {
	if v.Exists == nil {
		return nil
	}
	for _, p := range LostCertificate(v.Params, v.Exists) {
		last, _ := v.Last(p.Name)
		f := Finding{File: v.Main, Line: last.Line, Parameter: p.Name, Detail: p.Name + ": " + p.Value + " does not exist, so smtp(8) has no TLS to any server: mail leaves unencrypted, or waits where TLS is demanded",
			Remedy: "Correct the file, or remove the parameter: hardly any server asks for a client certificate.", Command: "postconf -X " + p.Name + " && postfix reload"}
		if !slices.Contains([]string{"none", "may", "dane"}, generalTLS("smtp_", func(name string) string { return v.Params[name] }).Level) {
			f.Severity = Error // nothing leaves
		}
		found = append(found, f)
	}
	return found
}
