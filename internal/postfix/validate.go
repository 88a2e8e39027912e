package postfix

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"relayhost/internal/host"
)

// Problem is something in a configuration that Postfix accepts and that then
// does not work, or not as meant ("postfix check" and "postconf -n" pass most
// of them).
type Problem struct {
	Fatal     bool   // mail would not leave, or not by the relay; else a warning
	Where     string // "main.cf", "master.cf: relayhost-ses/unix", a path
	Parameter string // "" where none is to blame
	Detail    string // one sentence, not sanitised: it may quote the files
	Kind      Kind
}

// Kind says what sort of problem it is, where the parameter does not.
type Kind string

// The kinds of problems.
const (
	OfSetting Kind = ""      // the value is known, and wrong here
	OfValue   Kind = "value" // a value that Postfix does not take
	OfTable   Kind = "table" // a table that does not open
)

// String joins the parts for a person.
func (p Problem) String() string {
	if p.Parameter == "" {
		return p.Where + ": " + p.Detail
	}
	return p.Where + ": " + p.Parameter + ": " + p.Detail
}

// Staged is a configuration to be judged: what Read returns for the folder that
// holds it, and what it is meant to do.
type Staged struct {
	State    State  // State.Maps holds the texts as they will be
	Service  string // the relay's entry in master.cf, "relayhost-ses"
	NextHop  string // "[smtp.example.com]:587", as in relayhost
	Implicit bool   // TLS from the first byte
	NoVerify bool   // the certificate is deliberately not verified
	NoAuth   bool   // the relay knows this host by its address
	// Ways are all routes, the default first; with none it is NextHop by
	// Service alone.
	Ways     []StagedWay
	Pending  []string          // tables (paths of the sources) that are not in place yet
	Defaults map[string]string // postconf -dx; Validate asks for it when nil

	lookups *Lookups
}

// StagedWay is where mail of some senders is meant to go.
type StagedWay struct {
	Service string      // entry in master.cf
	Senders []string    // keys of sender_dependent_default_transport_maps, patterns as "/.../"; none for the default
	Hops    []StagedHop // the first, and then those of smtp_fallback_relay
}

// StagedHop is one next hop and what may be missing there by intent; see Staged.
type StagedHop struct {
	NextHop                    string
	Implicit, NoVerify, NoAuth bool
	Bridge                     string // the entry of spawn(8) behind the socket that is NextHop; "" for none
}

// problems collects.
type problems []Problem

func (p *problems) fatal(where, parameter, detail string, args ...any) {
	*p = append(*p, Problem{Fatal: true, Where: where, Parameter: parameter, Detail: fmt.Sprintf(detail, args...)})
}

func (p *problems) warn(where, parameter, detail string, args ...any) {
	*p = append(*p, Problem{Where: where, Parameter: parameter, Detail: fmt.Sprintf(detail, args...)})
}

// Validate judges c on the machine that it is for: Check, and what only the
// machine can tell (CA file, maps that open). The error is for questions that
// could not be asked.
func Validate(ctx context.Context, r *host.Reader, c Staged) ([]Problem, error) {
	if c.Defaults == nil {
		out, err := r.Query(ctx, host.Postconf("", "-dx"))
		if err != nil {
			return nil, fmt.Errorf("ask postconf for the defaults: %w", err)
		}
		c.Defaults = parseParams(string(out.Stdout))
	}
	found := problems(Check(c))
	var opened []string
	for _, w := range c.services() {
		service, ok := c.State.Master.Get(w.Service, "unix")
		if !ok {
			continue
		}
		found.caFile(r, c, service)
		if err := found.maps(ctx, r, c, service, &opened); err != nil {
			return found, err
		}
	}
	if err := found.rewriteMaps(ctx, r, c, &opened); err != nil {
		return found, err
	}
	return found.distinct(), nil
}

// Check judges c from its texts alone.
func Check(c Staged) []Problem {
	c.lookups = NewLookups(c.State)
	if len(c.Ways) == 0 {
		c.Ways = []StagedWay{{Service: c.Service, Hops: []StagedHop{{NextHop: c.NextHop, Implicit: c.Implicit, NoVerify: c.NoVerify, NoAuth: c.NoAuth}}}}
	}
	var found problems
	found.main(c)
	found.values(c)
	found.route(c)
	for _, w := range c.services() {
		service, ok := c.State.Master.Get(w.Service, "unix")
		if !ok {
			found.fatal("master.cf", "", "there is no service %s", w.Service)
			continue
		}
		found.way(c, w, service)
	}
	found.bySender(c)
	return found.distinct()
}

// services are the ways, one for each service.
func (c Staged) services() []StagedWay {
	if len(c.Ways) == 0 {
		return []StagedWay{{Service: c.Service, Hops: []StagedHop{{NextHop: c.NextHop}}}}
	}
	seen := make(map[string]bool)
	var list []StagedWay
	for _, w := range c.Ways {
		if !seen[w.Service] {
			seen[w.Service] = true
			list = append(list, w)
		}
	}
	return list
}

// at is c with this hop as the one to be judged.
func (c Staged) at(w StagedWay, h StagedHop) Staged {
	c.Service, c.NextHop, c.Implicit, c.NoVerify, c.NoAuth = w.Service, h.NextHop, h.Implicit, h.NoVerify, h.NoAuth
	return c
}

// distinct is p with each problem once: the hops of a service share most of it.
func (p problems) distinct() []Problem {
	seen := make(map[Problem]bool, len(p))
	return slices.DeleteFunc(p, func(one Problem) bool {
		was := seen[one]
		seen[one] = true
		return was
	})
}

// main looks at main.cf as a text.
func (p *problems) main(c Staged) {
	for _, name := range c.State.Main.Dups() {
		p.warn("main.cf", name, "is defined more than once; the last definition counts")
	}
	for _, name := range c.State.Main.InlineComments() {
		p.warn("main.cf", name, "\"#\" after other text is part of the value")
	}
	if c.State.Params["maillog_file"] != "" {
		if _, ok := c.State.Master.Get("postlog", "unix-dgram"); !ok {
			p.warn("master.cf", "maillog_file", "needs the service postlog, which is not there")
		}
	}
}

// caFile looks for the roots that the relay's certificate is verified with. With
// one that cannot be read smtp(8) logs "disabling TLS support".
func (p *problems) caFile(r *host.Reader, c Staged, service Service) {
	path, known := c.State.Effective(service, "smtp_tls_CAfile")
	if !known || path == "" || service.Command == "lmtp" {
		return
	}
	where := "master.cf: " + key(service.Name, service.Type)
	data, err := r.ReadFile(path)
	switch {
	case err != nil:
		p.fatal(where, "smtp_tls_CAfile", "%v", err)
	case !strings.Contains(string(data), "-----BEGIN CERTIFICATE-----") && !strings.Contains(string(data), "-----BEGIN TRUSTED CERTIFICATE-----"):
		p.fatal(where, "smtp_tls_CAfile", "%s holds no certificate", path)
	}
}

// maps opens every table that the service looks up, as postmap(1) -q does.
func (p *problems) maps(ctx context.Context, r *host.Reader, c Staged, service Service, opened *[]string) error {
	for _, name := range clientMaps {
		if service.Command == "lmtp" {
			name = "lmtp" + strings.TrimPrefix(name, "smtp")
		}
		value, known := c.State.Effective(service, name)
		if !known {
			continue
		}
		if err := p.opens(ctx, r, c, opened, key(service.Name, service.Type), name, value); err != nil {
			return err
		}
	}
	return nil
}

// rewriteMaps opens the tables that choose the way by the sender, without which
// trivial-rewrite(8) defers all mail.
func (p *problems) rewriteMaps(ctx context.Context, r *host.Reader, c Staged, opened *[]string) error {
	const name = "sender_dependent_default_transport_maps"
	return p.opens(ctx, r, c, opened, "main.cf", name, c.State.Params[name])
}

// opens opens the tables of a list that were not opened before.
func (p *problems) opens(ctx context.Context, r *host.Reader, c Staged, opened *[]string, where, name, value string) error {
	for _, t := range ParseTables(value, c.State.DefaultMap) {
		if slices.Contains(c.Pending, t.Path) || !strings.HasPrefix(t.Path, "/") || slices.Contains(*opened, t.String()) {
			continue
		}
		*opened = append(*opened, t.String())
		out, err := r.Query(ctx, host.PostmapGet(c.State.ConfigDir, t.String(), c.NextHop))
		if err != nil {
			return fmt.Errorf("open %s: %w", t, err)
		}
		// Not found and not readable both end with 1; only the latter says so.
		if line := diagnostic(string(out.Stderr)); out.Code != 0 && line != "" {
			*p = append(*p, Problem{true, where, name, t.String() + ": " + line, OfTable})
		}
	}
	return nil
}

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

// splitNextHop reads "[host]:port", "host:port", "[host]" and "host". The port
// is a number or the name of a service.
func splitNextHop(s string) (hostname, port string, err error) {
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
	if strings.Contains(hostname, ":") && net.ParseIP(strings.TrimPrefix(hostname, "ipv6:")) == nil {
		return "", "", fmt.Errorf("%q: the port belongs behind the bracket", s)
	}
	if strings.HasSuffix(s, ":") {
		return "", "", fmt.Errorf("%q has a colon and no port", s)
	}
	if n, err := strconv.Atoi(port); err == nil && (n < 1 || n > 65535) {
		return "", "", fmt.Errorf("%q: port %d is out of range", s, n)
	} else if _, known := knownPorts[port]; err != nil && port != "" && !known {
		return "", "", fmt.Errorf("%q: unknown service %q", s, port)
	}
	return hostname, port, nil
}
