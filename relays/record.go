package relays

import "strings"

// ValueFor gives the value of the record for a sender's domain. What is left in <>
// differs by account.
func (rec Record) ValueFor(domain string) string {
	return strings.NewReplacer("<domain>", domain, "<domain-with-dashes>", strings.ReplaceAll(domain, ".", "-")).Replace(rec.Value)
}

// String gives a record as one would type it: "CNAME name -> value".
func (rec Record) String() string {
	if rec.Value == "" {
		return rec.Type + " " + rec.Name
	}
	return rec.Type + " " + rec.Name + " -> " + rec.Value
}
