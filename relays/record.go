package relays

import "strings"

// For gives the full name of the record under a sender's domain and how its
// value ends: all of it, or what follows the last word in <>, or "" where the
// file names no value. ok is false where the name itself differs by customer
// and cannot be looked up.
func (rec Record) For(domain string) (name, ending string, ok bool) {
	domain = strings.TrimSuffix(domain, ".")
	name, ending = fill(rec.Name, domain), rec.ValueFor(domain)
	if strings.Contains(name, "<") {
		return "", "", false
	}
	if name == "@" {
		name = domain
	} else {
		name += "." + domain
	}
	return name, ending[strings.LastIndex(ending, ">")+1:], true
}

// ValueFor gives the value of the record for a sender's domain. What is left in <>
// differs by account.
func (rec Record) ValueFor(domain string) string { return fill(rec.Value, domain) }

func fill(text, domain string) string {
	return strings.NewReplacer("<domain>", domain, "<domain-with-dashes>", strings.ReplaceAll(domain, ".", "-")).Replace(text)
}

// String gives a record as one would type it: "CNAME name -> value".
func (rec Record) String() string {
	if rec.Value == "" {
		return rec.Type + " " + rec.Name
	}
	return rec.Type + " " + rec.Name + " -> " + rec.Value
}
