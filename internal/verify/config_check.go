package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/config"
	"relayhost/internal/explain"
	"relayhost/internal/host"
	"relayhost/internal/lint"
	"relayhost/internal/postfix"
)

// config holds main.cf and master.cf against what is known to go wrong. maps are
// the findings on the tables, which are not told twice.
func (r *run) config(ctx context.Context, checks []*routeCheck, maps []Finding) []Finding {
	if !r.State.Installed {
		return []Finding{{Check: "config", Result: Fail, Detail: "Postfix is not installed", Cause: "postfix_not_installed",
			Remedy: "Install it; setup can do that.", Command: "relayhost setup --install"}}
	}
	// Where postconf(1) does not answer, other checks tell.
	defaults, _ := postfix.Defaults(ctx, r.Reader)
	findings := slices.Concat(outdated(r.State), r.bypassed(), slices.DeleteFunc(linted(r.Reader, r.State, defaults), func(f Finding) bool {
		return slices.ContainsFunc(maps, f.toldBy)
	}))
	services := map[string]bool{}
	for _, t := range checks {
		// Routes may share a service; what holds for all stands with the first.
		if services[t.route.Service] && t.number > 0 {
			continue
		}
		services[t.route.Service] = true
		for _, f := range append(inspect(t.signs), t.judge(ctx, maps, defaults)...) {
			if !slices.ContainsFunc(findings, func(g Finding) bool { return g.about == f.about }) {
				findings = append(findings, t.of(f))
			}
		}
	}
	for _, t := range checks {
		for _, f := range append(t.sizes(), ends(t.route, time.Now())...) {
			if !slices.ContainsFunc(findings, func(g Finding) bool { return g.Detail == f.Detail }) {
				findings = append(findings, t.of(f))
			}
		}
	}
	findings = append(findings, r.nullSender()...)
	if len(findings) == 0 {
		return pass("config", "main.cf and master.cf have none of the known faults")
	}
	return findings
}

// toldBy reports whether g, a finding of the check "maps", is the fault of f as well.
func (f Finding) toldBy(g Finding) bool { return g.Result == Fail && g.about == f.about }

// linted are the faults that the texts show without anything else. What the tables of
// the way to the relay show is found by the check "maps" as well, which knows more.
func linted(r *host.Reader, state postfix.State, defaults map[string]string) (findings []Finding) {
	for _, f := range state.Lint(postfix.Exists(r), defaults) {
		finding := Finding{Check: "config", Result: Fail, Cause: f.Rule, Remedy: f.Remedy, Command: f.Command, Detail: f.String(), about: f.Subject()}
		if f.Line > 0 {
			finding.Detail = fmt.Sprintf("%s, line %d: %s", f.File, f.Line, f.Detail)
		}
		if f.Severity == lint.Warning {
			finding.Result = Warn
		}
		findings = append(findings, finding)
	}
	return findings
}

// of names the route of a finding, where there are several.
func (t *routeCheck) of(f Finding) Finding {
	if t.number > 0 {
		f.Route, f.route = t.route.Name, t.number
	}
	return f
}

// inspect makes findings of the signs that hold.
func inspect(signs explain.Signs) (findings []Finding) {
	for _, sign := range signs {
		// The tables, the credentials and a Postfix that is down have checks of
		// their own.
		c, ok := explain.ByID(sign.Cause)
		if !sign.Holds || !ok || sign.Cause == "postfix_down" || sign.Cause == "ses_iam_secret" || isTableCause(sign.Cause) {
			continue
		}
		f := Finding{Check: "config", Result: Fail, Detail: sign.Detail, about: sign.Subject()}.because([]explain.Cause{c})
		if sign.Severity == lint.Warning {
			f.Result = Warn
		}
		if sign.Cause == "mydestination_domain" {
			// A mail server whose domain this is has it right; whether the mailboxes
			// are here no file tells.
			f.Result, f.Command = Warn, ""
			f.Remedy = "Nothing to do if the mailboxes of that domain are on this server; otherwise remove the domain from that parameter."
		}
		findings = append(findings, f)
	}
	return findings
}

// sizes compares what this host takes with what the relay takes.
func (t *routeCheck) sizes() (findings []Finding) {
	hop := t.route.Hops[0]
	name, most := hop.Relay.Name, hop.Relay.Limits.MessageBytes
	if a, ok := conf.Get(hop.Relay.ID); ok && hop.Check != nil {
		name, most = "the API of "+name, a.Limits.Bytes
	}
	for _, found := range t.State.Facts().Oversize(name, most) {
		f := Finding{Check: "config", Result: Warn, Detail: found.Detail}.known(found.Rule)
		f.Command = found.Command
		findings = append(findings, f)
	}
	return findings
}

// nullSender warns of bounces, which have the sender <>, where the route that
// they take is known to refuse it.
func (r *run) nullSender() []Finding {
	if !r.several() {
		return nil
	}
	routes := r.Routes
	takes := routes[0]
	for _, route := range routes[1:] {
		if slices.Contains(route.Senders, "<>") {
			takes = route
		}
	}
	relay := takes.Hops[0].Relay
	if relay.Sender.NullSender != "refused" {
		return nil
	}
	return []Finding{{Check: "config", Result: Warn, Cause: "null_sender_refused",
		Detail: fmt.Sprintf("bounces have the null sender (<>) and use the route %s, and %s refuses them", takes.Name, relay.Name),
		Remedy: `Add "<>" to the senders of a route whose relay accepts them, and run setup again; otherwise senders on this host get no bounces.`}}
}

// bypassed warns where a setup that was made by hand sends the mail of some
// senders by other ways or with other accounts: nothing here proves those.
func (r *run) bypassed() []Finding {
	if r.ofSetup() {
		return nil
	}
	senders := postfix.NewRouting(r.State).Senders()
	if len(senders) == 0 {
		return nil
	}
	return []Finding{{Check: "config", Result: Warn, Cause: "by_sender", about: lint.Subject{Rule: "by_sender"},
		Detail:  "mail from " + some(senders) + " goes by another route or account, which is not tested here",
		Remedy:  "Let relayhost manage this setup: it tests each route.",
		Command: "relayhost adopt"}}
}

// outdated warns of a setup that an earlier release wrote, which keeps account and
// TLS policy where other services read them.
func outdated(state postfix.State) (findings []Finding) {
	for _, f := range state.Facts().SharedSettings() {
		findings = append(findings, Finding{Check: "config", Result: Warn, Cause: f.Rule, Detail: f.Detail, Remedy: f.Remedy, Command: f.Command, about: f.Subject()})
	}
	return findings
}

// judge has Postfix's validator look at what is there, as setup has it look at
// what it is going to write.
func (t *routeCheck) judge(ctx context.Context, maps []Finding, defaults map[string]string) []Finding {
	if t.State.Main == nil || t.State.Master == nil || t.route.Hops[0].Host == "" {
		return nil
	}
	problems, err := postfix.Validate(ctx, t.Reader, postfix.Staged{State: t.State, Meant: meant(t.route), Defaults: defaults})
	findings := t.judged(problems, maps)
	if err != nil {
		findings = append([]Finding{{Check: "config", Result: Warn, Cause: "not_judged", about: lint.Subject{Rule: "not_judged"}, Detail: err.Error(), Remedy: "Run this as root."}}, findings...)
	}
	return findings
}

// meant is what main.cf and master.cf are meant to do.
func meant(route Route) []lint.Route {
	first := route.Hops[0]
	hop := lint.Hop{NextHop: first.nextHop(), TLS: first.TLS, NoVerify: first.NoVerify, NoAuth: first.Username == "" && first.Password.IsZero(), OAuth: first.OAuth}
	if first.Socket != "" {
		hop = lint.Hop{NextHop: first.nextHop(), Bridge: config.BridgeEntry(first.Socket)}
	}
	return []lint.Route{{Service: route.Service, Hops: []lint.Hop{hop}}}
}

// judged makes findings of those of the rules that no other check tells.
func (t *routeCheck) judged(problems []lint.Finding, maps []Finding) (findings []Finding) {
	tables := slices.ContainsFunc(maps, func(f Finding) bool { return f.Result != Pass })
	for _, p := range problems {
		if t.told(p) || tables && p.Rule == postfix.MapClosed {
			continue
		}
		f := Finding{Check: "config", Result: Fail, Detail: p.String(), about: p.Subject()}.known(p.Rule)
		if p.Remedy != "" {
			f.Remedy, f.Command = p.Remedy, p.Command
		}
		// Nobody has said what a setup made by hand is to do without.
		if p.Severity == lint.Warning || p.Rule == "tls_not_verified" || p.Rule == "tls_required_header" {
			f.Result = Warn
		}
		findings = append(findings, f)
	}
	return findings
}

// isTableCause reports a cause that the check "maps" finds.
func isTableCause(id string) bool {
	return strings.HasPrefix(id, "map_") && id != "map_type_unsupported" || id == "secret_world_readable"
}

// told reports a fault that is told elsewhere, for all routes or in better words.
func (t *routeCheck) told(p lint.Finding) bool {
	switch p.Rule {
	case "override_elsewhere":
		// That of the default route, or what the check "service" says; of what may
		// bypass it the check "delivery" shows whether it does.
		return t.number > 1 || p.Severity == lint.Warning || t.route.Hops[0].elsewhere(t.asConfigured())
	case "service_missing": // where it is that of the route, the check "service" says it
		_, ok := t.State.Master.Get(t.route.Service, "unix")
		return !ok
	case "map_key_mismatch", "map_syntax": // the check "maps" asks the compiled tables
		return true
	case "login_by_sender", "param_deprecated": // that works, and bypassed has the senders
		return true
	case "tls_required_header":
		return len(t.State.Facts().SharedSettings()) > 0
	case "tls_not_verified":
		return holds(t.signs, "tls_opportunistic_cleartext", "starttls_required", "smtp_fatal_level", "tls_wrappermode_level")
	case "fallback_unknown":
		return len(t.route.Hops) > 1
	}
	return false
}

// holds reports whether one of the causes has been found on this host.
func holds(signs explain.Signs, causes ...string) bool {
	return slices.ContainsFunc(causes, func(id string) bool {
		sign, _ := signs.About(id)
		return sign.Holds
	})
}
