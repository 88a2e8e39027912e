package instance

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"relayhost/internal/host"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

// Preview finds in a planned configuration, without starting anything, what the
// programs that send mail would die of or defer all mail for: booleans, numbers and
// times that are none, tables of a type that is missing, and tables that are not
// there. s is the Postfix as it is. What only concerns incoming or local mail is
// left out. The error is for a question that could not be asked.
func Preview(ctx context.Context, r *host.Reader, s postfix.State, p plan.Plan) ([]Fault, error) {
	values := planned(s, p)
	names := slices.Sorted(maps.Keys(values))
	found, err := badValues(ctx, r, s, names, values)
	if err != nil {
		return nil, err
	}
	pending := make(map[string]bool, len(p.Files))
	for _, f := range p.Files {
		if f.Action != plan.Remove {
			pending[f.Path] = true
		}
	}
	for _, name := range names {
		for _, m := range onDisk.FindAllStringSubmatch(values[name], -1) {
			t := postfix.Table{Type: m[1], Path: m[2]}
			if !tableTypes[t.Type] || pending[t.Path] {
				continue
			}
			if f := tableFault(r, s, name, t); f != nil {
				found = append(found, *f)
			}
		}
	}
	return found, nil
}

// onDisk finds tables in a value, also those inside of proxy:, unionmap: and their kin.
var onDisk = regexp.MustCompile(`([a-z]+):(/[^\s,{}]+)`)

// tableTypes are the types with a file (DATABASE_README).
var tableTypes = set("hash", "btree", "lmdb", "cdb", "dbm", "sdbm", "texthash", "regexp", "pcre", "cidr", "mysql", "pgsql",
	"sqlite", "ldap", "memcache", "mongodb")

func set(words ...string) map[string]bool {
	m := make(map[string]bool, len(words))
	for _, w := range words {
		m[w] = true
	}
	return m
}

// elsewhere begin or end the names of parameters that only incoming or local mail
// needs, or that Postfix does without.
var elsewhere = struct{ before, after []string }{
	[]string{"smtpd_", "postscreen_", "lmtp_", "alias_", "local_", "mailbox_", "virtual_mailbox_maps", "virtual_uid_", "virtual_gid_",
		"relay_recipient_maps", "address_verify_", "milter_", "tlsproxy_", "compatibility_level"},
	[]string{"_cache_database", "_cache_map", "_tcp_port", "_restrictions"},
}

// planned gives the parameters that the planned main.cf sets and that mail on its
// way out needs, expanded.
func planned(s postfix.State, p plan.Plan) map[string]string {
	main := s.Main
	if f := p.Main(); f.Path != "" {
		if m, err := postfix.ParseMain(f.After); err == nil {
			main = m
		}
	}
	values := map[string]string{}
	if main == nil {
		return values
	}
	before := map[string]string{}
	if s.Main != nil {
		before = s.Main.Values()
	}
	for name, raw := range main.Values() {
		other := slices.ContainsFunc(elsewhere.before, func(w string) bool { return strings.HasPrefix(name, w) }) ||
			slices.ContainsFunc(elsewhere.after, func(w string) bool { return strings.HasSuffix(name, w) })
		if other {
			continue
		}
		if was, set := before[name]; set && was == raw {
			raw = s.Params[name]
		}
		values[name] = raw
	}
	return values
}

// Kinds of values, by the default of the parameter.
var (
	isNumber = regexp.MustCompile(`^[0-9]+$`)
	isTime   = regexp.MustCompile(`^[0-9]+[smhdw]?$`)
)

const boolean = "yes or no"

// badValues finds values of another kind than that of the parameter's default.
func badValues(ctx context.Context, r *host.Reader, s postfix.State, names []string, values map[string]string) ([]Fault, error) {
	if len(names) == 0 {
		return nil, nil
	}
	out, err := r.Query(ctx, host.Postconf("", append([]string{"-dx"}, names...)...))
	if err != nil {
		return nil, fmt.Errorf("ask postconf for the defaults: %w", err)
	}
	var found []Fault
	for line := range strings.Lines(string(out.Stdout)) {
		name, usual, _ := strings.Cut(strings.TrimSpace(line), " = ")
		value, wanted := values[name], ""
		switch {
		case strings.Contains(value, "$"):
		case usual == "yes" || usual == "no":
			if !strings.EqualFold(value, "yes") && !strings.EqualFold(value, "no") {
				wanted = boolean
			}
		case isNumber.MatchString(usual):
			if !isNumber.MatchString(value) {
				wanted = "a number"
			}
		case isTime.MatchString(usual):
			if !isTime.MatchString(value) {
				wanted = "a time (30s, 5m, 1h)"
			}
		}
		if wanted != "" {
			found = append(found, Fault{Param: name, Boolean: wanted == boolean, Text: fmt.Sprintf("%q is not %s: the programs that read it die at their start", value, wanted),
				Remedy: "write " + wanted + " for " + name + " in main.cf, or remove the line", Command: "postconf -X " + name})
		}
	}
	return found, nil
}

// tableFault is what is wrong with a table that the parameter name names.
func tableFault(r *host.Reader, s postfix.State, name string, t postfix.Table) *Fault {
	f := &Fault{Param: name, Table: t.String()}
	if s.MapTypes != nil && !slices.Contains(s.MapTypes, t.Type) {
		f.Text = "this Postfix has no tables of the type " + t.Type
		f.missingType(t.Type)
		if f.Package != "" {
			f.Command = installer(r, f.Package)
		}
		return f
	}
	missing := func(path string) bool {
		_, err := r.Stat(path)
		return errors.Is(err, fs.ErrNotExist)
	}
	switch index := t.Index(); {
	case index == "" && missing(t.Path):
		f.Text = "there is no such file"
	case index == "" || !missing(index):
		return nil
	case missing(t.Path):
		f.Text = index + " does not exist, nor does its source"
	default:
		f.Text = index + " does not exist: the table was never compiled"
		f.Remedy, f.Command = "compile the table", "postmap "+t.String()
		return f
	}
	f.Remedy = "make the table, or take it out of " + name
	if t.Index() != "" {
		f.Command = "touch " + t.Path + " && postmap " + t.String()
	}
	return f
}
