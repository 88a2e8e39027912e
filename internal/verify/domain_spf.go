package verify

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"relayhost/internal/smtpprobe"
	"relayhost/relays"
)

// Limits of RFC 7208, section 4.6.4.
const (
	maxSPFLookups = 10
	maxSPFVoid    = 2
	// maxSPFRecords bounds what we fetch beyond that, to tell how far over the
	// limit a record is.
	maxSPFRecords = 40
)

// SPFRecord is what a domain's SPF record asks of a receiver.
type SPFRecord struct {
	Text     string   // of the domain itself
	Lookups  int      // terms that cost a lookup, all includes followed
	Void     int      // of them, how many lead nowhere
	Includes []string // domains included or redirected to, at any depth
	All      string   // the qualifier of "all": "-", "~", "?", "+"; "" without one
	Problem  string   // why receivers ignore the record; "" if it is sound
	Cause    string   // stable word for Problem
}

// The stable words for what is wrong with a record.
const (
	causeSPFMissing  = "spf_missing"
	causeSPFInclude  = "spf_include_missing"
	causeSPFLookups  = "spf_too_many_lookups"
	causeSPFTwo      = "spf_two_records"
	causeSPFInvalid  = "spf_invalid"
	causeSPFOpenWide = "spf_allows_all"
)

// SPF checks that the sender's domain names the service and stays within the
// ten lookups that receivers make.
func (d Domain) SPF(ctx context.Context) Finding {
	f := Finding{Check: "spf"}
	want := d.Relay.DNS.SPF
	record, err := ReadSPF(ctx, d.Resolver, d.Name)
	switch {
	case err != nil && !missing(err):
		return unanswered("spf", err)
	case err != nil && want == "":
		f.Result = Skip
		if d.Relay.ID == relays.SmarthostID {
			f.Detail = "no record; whether one is needed depends on the bounce address that " + cmp.Or(d.Relay.Name, "the relay") + " uses, which is not known here"
			return f
		}
		f.Detail = "no record, and none is documented for " + d.Relay.Name
		if d.Relay.ID == "" {
			f.Result, f.Cause, f.Detail = Warn, causeSPFMissing, d.Name+" has no SPF record"
			f.Remedy = fmt.Sprintf("Publish at %s the TXT record: v=spf1 mx -all, if this server is one of its mail exchangers.", d.Name)
		}
	case err != nil:
		f.Result, f.Cause, f.Detail = Warn, causeSPFMissing, d.Name+" has no SPF record"
		f.Remedy = fmt.Sprintf("Publish at %s the TXT record: %s", d.Name, withTerm("", want))
	case record.Problem != "":
		f.Result, f.Detail, f.Cause, f.Remedy = Warn, record.Problem, record.Cause, spfRemedies[record.Cause]
	case want != "" && !record.names(want):
		f.Result, f.Cause = Warn, causeSPFInclude
		f.Detail = fmt.Sprintf("the SPF record of %s does not name the service: %s", d.Name, smtpprobe.Sanitize(record.Text))
		f.Remedy = fmt.Sprintf("Put %s into it: %s", want, smtpprobe.Sanitize(withTerm(record.Text, want)))
	case record.All == "+":
		f.Result, f.Cause, f.Detail = Warn, causeSPFOpenWide, "the SPF record ends in +all: anybody may send as this domain"
		f.Remedy = "End it in ~all."
	default:
		f.Result = Pass
		f.Detail = fmt.Sprintf("%d of %d lookups: %s", record.Lookups, maxSPFLookups, smtpprobe.Sanitize(record.Text))
		if want == "" && d.Relay.ID != "" {
			f.Detail += "; whether it has to name " + cmp.Or(d.Relay.Name, "the relay") + " is not known here"
		}
	}
	if missed := d.missingBounces(ctx); len(missed) > 0 {
		var names []string
		for _, r := range missed {
			names = append(names, r.Type+" "+r.Name)
		}
		f.Detail += "; not found: " + strings.Join(names, ", ") + ", the default for bounces at " + d.Relay.Name
	}
	if d.Relay.DNS.Note != "" && f.Result == Warn && (f.Cause == causeSPFMissing || f.Cause == causeSPFInclude) {
		f.Remedy += " (" + d.Relay.DNS.Note + ")"
	}
	return f
}

// spfRemedies say what helps against each problem of a record.
var spfRemedies = map[string]string{
	causeSPFTwo:     "Merge them into one.",
	causeSPFLookups: "Remove what is not used any more; otherwise receivers ignore the whole record.",
	causeSPFInvalid: "Correct the record; receivers ignore it as it is.",
}

// names reports whether the record has the term ("include:amazonses.com"), or
// reaches its domain by another one.
func (r SPFRecord) names(term string) bool {
	domain := strings.TrimPrefix(strings.ToLower(term), "include:")
	return slices.Contains(r.Includes, domain) || slices.Contains(strings.Fields(strings.ToLower(r.Text)), strings.ToLower(term))
}

// withTerm is a record with term before its final "all" or redirect; "" is none yet.
func withTerm(record, term string) string {
	if record == "" {
		record = "v=spf1 ~all"
	}
	fields := strings.Fields(record)
	at := len(fields)
	for i, f := range fields {
		if name := strings.ToLower(strings.TrimLeft(f, "+-~?")); name == "all" || strings.HasPrefix(name, "redirect=") {
			at = i
			break
		}
	}
	return strings.Join(slices.Insert(fields, at, term), " ")
}

// ReadSPF reads the record of domain and counts what it costs, as a receiver
// would that finds no match before the end (RFC 7208).
func ReadSPF(ctx context.Context, r Resolver, domain string) (SPFRecord, error) {
	w := &spfWalk{resolver: r}
	text, err := w.fetch(ctx, domain)
	if err != nil {
		return SPFRecord{}, err
	}
	w.record.Text = text
	if text != "" {
		err = w.walk(ctx, strings.ToLower(domain), text, true)
	}
	if w.record.Lookups > maxSPFLookups {
		w.problem(causeSPFLookups, "%d lookups, and receivers stop at %d", w.record.Lookups, maxSPFLookups)
	}
	if w.record.Void > maxSPFVoid {
		w.problem(causeSPFLookups, "%d terms lead nowhere, and receivers stop at %d", w.record.Void, maxSPFVoid)
	}
	return w.record, err
}

type spfWalk struct {
	resolver Resolver
	record   SPFRecord
	fetched  int
	path     []string // domains being walked, to see a circle
}

// fetch returns the one SPF record of domain. More than one is a problem of the
// record, none is resolve.ErrNotFound.
func (w *spfWalk) fetch(ctx context.Context, domain string) (string, error) {
	w.fetched++
	texts, err := w.resolver.TXT(ctx, domain)
	if err != nil {
		return "", err
	}
	var records []string
	for _, text := range texts {
		if first, _, _ := strings.Cut(text, " "); strings.EqualFold(first, "v=spf1") {
			records = append(records, text)
		}
	}
	switch len(records) {
	case 0:
		return "", fmt.Errorf("SPF record of %s: %w", domain, errNoRecord)
	case 1:
		return records[0], nil
	}
	w.problem(causeSPFTwo, "%s has %d SPF records, and receivers then ignore all of them", domain, len(records))
	return "", nil
}

// problem notes the first thing that is wrong.
func (w *spfWalk) problem(cause, format string, args ...any) {
	if w.record.Problem == "" {
		w.record.Cause = cause
		w.record.Problem = smtpprobe.Sanitize(fmt.Sprintf(format, args...))
	}
}

// walk counts the terms of one record and follows those that name another.
func (w *spfWalk) walk(ctx context.Context, domain, text string, top bool) error {
	w.path = append(w.path, domain)
	defer func() { w.path = w.path[:len(w.path)-1] }()
	redirect := ""
	all := false
	for _, term := range strings.Fields(text)[1:] {
		qualifier, body := "+", strings.ToLower(term)
		if strings.ContainsAny(body[:1], "+-~?") {
			qualifier, body = body[:1], body[1:]
		}
		if target, ok := strings.CutPrefix(body, "redirect="); ok {
			redirect = target
			continue
		}
		name, target, _ := strings.Cut(body, ":")
		name, _, _ = strings.Cut(name, "/")
		switch name {
		case "all":
			all = true
			if top {
				w.record.All = qualifier
			}
		case "include":
			if err := w.follow(ctx, domain, target); err != nil {
				return err
			}
		case "a", "mx", "ptr", "exists":
			w.record.Lookups++
		case "ip4", "ip6":
		default:
			if !strings.Contains(name, "=") { // unknown modifiers are passed over
				w.problem(causeSPFInvalid, "%s: the SPF term %q does not exist", domain, term)
			}
		}
	}
	if redirect != "" && !all {
		return w.follow(ctx, domain, redirect)
	}
	return nil
}

// follow reads the record that an include or redirect names.
func (w *spfWalk) follow(ctx context.Context, from, target string) error {
	w.record.Lookups++
	switch {
	case strings.Contains(target, "%"): // a macro: it differs by message
		return nil
	case slices.Contains(w.path, target):
		w.problem(causeSPFInvalid, "the SPF records go in a circle at %s", target)
		return nil
	case w.fetched >= maxSPFRecords:
		return nil
	}
	if !slices.Contains(w.record.Includes, target) {
		w.record.Includes = append(w.record.Includes, target)
	}
	text, err := w.fetch(ctx, target)
	if err != nil {
		if !missing(err) {
			return err
		}
		w.record.Void++
		w.problem(causeSPFInvalid, "%s includes %s, which has no SPF record", from, target)
		return nil
	}
	if text == "" {
		return nil
	}
	return w.walk(ctx, target, text, false)
}

// spfToPublish is the SPF record that domain should have so that it names the
// service's term ("include:amazonses.com"), "" where DNS has that already. existing
// says that it replaces one, which a domain may have only one of (RFC 7208, 3.2).
// The error is that of a DNS that does not answer.
func spfToPublish(ctx context.Context, r Resolver, domain, term string) (record string, existing bool, err error) {
	found, err := ReadSPF(ctx, r, domain)
	switch {
	case err != nil && missing(err):
		return withTerm("", term), false, nil
	case err != nil, found.Text == "", found.names(term):
		return "", false, err
	}
	return withTerm(found.Text, term), true, nil
}
