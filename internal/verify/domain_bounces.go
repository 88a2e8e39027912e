package verify

import (
	"context"
	"strings"

	"relayhost/relays"
)

// missingBounces are the records of the subdomain to which the relay has bounces
// returned (relays.Record.Bounces), by their full names, that DNS does not have. An
// account may have chosen another name for it, which nothing here shows. Where DNS does
// not answer, nothing is missing.
func (d Domain) missingBounces(ctx context.Context) (missed []relays.Record) {
	for _, r := range d.Relay.DNS.Other {
		if !r.Bounces {
			continue
		}
		r.Name += "." + d.Name
		if there, err := d.has(ctx, r); err == nil && !there {
			missed = append(missed, r)
		}
	}
	return missed
}

// has reports whether DNS has a record as r asks for it.
func (d Domain) has(ctx context.Context, r relays.Record) (there bool, err error) {
	fields := strings.Fields(r.Value)
	switch r.Type {
	case "MX":
		found, err := d.Resolver.MX(ctx, r.Name)
		for _, mx := range found {
			there = there || alike(mx.Host, fields[len(fields)-1])
		}
		return there, known(err)
	case "CNAME":
		target, err := d.Resolver.CNAME(ctx, r.Name)
		return alike(target, r.Value), known(err)
	}
	record, err := ReadSPF(ctx, d.Resolver, r.Name)
	return err == nil && record.names(fields[1]), known(err)
}

// known takes a name that is not there for an answer.
func known(err error) error {
	if missing(err) {
		return nil
	}
	return err
}

// alike reports whether a host has the form of pattern, in which one word in <> differs
// by account.
func alike(host, pattern string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	before, rest, varies := strings.Cut(pattern, "<")
	if !varies {
		return host == pattern
	}
	_, after, _ := strings.Cut(rest, ">")
	return len(host) > len(before)+len(after) && strings.HasPrefix(host, before) && strings.HasSuffix(host, after)
}
