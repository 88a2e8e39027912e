//go:build unix

package postfix

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"relayhost/internal/host"
	"relayhost/internal/lint"
)

// Staged is a configuration to be judged: what Read returns for the directory that
// holds it, and what it is meant to do.
type Staged struct {
	State    State             // State.Maps holds the texts as they will be
	Meant    []lint.Route      // the default first; one at least
	Pending  []string          // tables (paths of the sources) that are not in place yet
	Defaults map[string]string // of Defaults; Validate asks for them when nil
}

// Check judges c from its texts alone.
func Check(c Staged) []lint.Finding { return lint.Against(c.State.facts(nil, c.Defaults), c.Meant) }

// Defaults are the values of the parameters that nothing sets, expanded (postconf -dx).
func Defaults(ctx context.Context, r *host.Reader) (map[string]string, error) {
	out, err := r.Query(ctx, host.Postconf("", "-dx"))
	if err != nil {
		return nil, fmt.Errorf("ask postconf for the defaults: %w", err)
	}
	return parseParams(string(out.Stdout)), nil
}

// clientMaps are the tables that smtp(8) opens at its start; with one that cannot
// be opened mail is deferred ("local data error").
var clientMaps = []string{"smtp_sasl_password_maps", "smtp_tls_policy_maps", "smtp_generic_maps", "smtp_delivery_status_filter", "smtp_reply_filter"}

// Validate judges c on the machine that it is for: Check, and what only the
// machine can tell (CA file, maps that open). The error is for questions that
// could not be asked.
func Validate(ctx context.Context, r *host.Reader, c Staged) ([]lint.Finding, error) {
	if c.Defaults == nil {
		var err error
		if c.Defaults, err = Defaults(ctx, r); err != nil {
			return nil, err
		}
	}
	found := Check(c)
	var opened []string
	for _, route := range lint.ByService(c.Meant) {
		service, ok := c.State.Master.Get(route.Service, "unix")
		if !ok {
			continue
		}
		found = append(found, caFile(r, c, service)...)
		for _, name := range clientMaps {
			if service.Command == "lmtp" {
				name = "lmtp" + strings.TrimPrefix(name, "smtp")
			}
			value, known := c.State.Effective(service, name)
			if !known {
				continue
			}
			closed, err := open(ctx, r, c, &opened, key(service.Name, service.Type), name, value)
			if found = append(found, closed...); err != nil {
				return found, err
			}
		}
	}
	// Without the tables that choose the service by the sender trivial-rewrite(8)
	// defers all mail.
	const name = "sender_dependent_default_transport_maps"
	closed, err := open(ctx, r, c, &opened, "main.cf", name, c.State.Params[name])
	return lint.Distinct(append(found, closed...)), err
}

// caFile looks for the roots that the relay's certificate is verified with. With
// one that cannot be read smtp(8) logs "disabling TLS support".
func caFile(r *host.Reader, c Staged, service Service) []lint.Finding {
	path, known := c.State.Effective(service, "smtp_tls_CAfile")
	if !known || path == "" || service.Command == "lmtp" {
		return nil
	}
	f := lint.Finding{Rule: "tls_cafile_missing", Severity: lint.Error, File: "master.cf: " + key(service.Name, service.Type), Parameter: "smtp_tls_CAfile", Detail: "smtp_tls_CAfile: "}
	data, err := r.ReadFile(path)
	switch {
	case err != nil:
		f.Detail += err.Error()
	case !strings.Contains(string(data), "-----BEGIN CERTIFICATE-----") && !strings.Contains(string(data), "-----BEGIN TRUSTED CERTIFICATE-----"):
		f.Detail += path + " holds no certificate"
	default:
		return nil
	}
	return []lint.Finding{f}
}

// open opens the tables of a list that were not opened before, as postmap(1) -q
// does.
func open(ctx context.Context, r *host.Reader, c Staged, opened *[]string, where, name, value string) (found []lint.Finding, err error) {
	for _, t := range ParseTables(value, c.State.DefaultMap) {
		if slices.Contains(c.Pending, t.Path) || !strings.HasPrefix(t.Path, "/") || slices.Contains(*opened, t.String()) {
			continue
		}
		*opened = append(*opened, t.String())
		out, err := r.Query(ctx, host.PostmapGet(c.State.ConfigDir, t.String(), c.Meant[0].Hops[0].NextHop))
		if err != nil {
			return found, fmt.Errorf("open %s: %w", t, err)
		}
		// Not found and not readable both end with 1; only the latter says so.
		if line := diagnostic(string(out.Stderr)); out.Code != 0 && line != "" {
			found = append(found, lint.Finding{Rule: MapClosed, Severity: lint.Error, File: where, Parameter: name, Table: t.String(), Detail: name + ": " + t.String() + ": " + line})
		}
	}
	return found, nil
}

// MapClosed is the rule of findings on tables that do not open.
const MapClosed = "map_lookup_error"

// diagnostic is the first error in what postmap(1) says; warnings may quote the
// content of a table.
func diagnostic(stderr string) string {
	for _, line := range lines(stderr) {
		for _, severity := range []string{"fatal: ", "error: "} {
			if _, text, ok := strings.Cut(line, severity); ok {
				return text
			}
		}
	}
	return ""
}
