package explain

import (
	"slices"
	"strings"

	"relayhost/internal/lint"
	"relayhost/internal/postfix"
	"relayhost/relays"
)

// OAuth reports whether a route logs in by an OAuth token, with a SASL plugin
// (sasl-xoauth2): the mechanism filter admits XOAUTH2 and no mechanism with a
// password, or what is stored as the password is the path of a token file.
func OAuth(s postfix.State, r postfix.Route, password string) bool {
	filter := postfix.Words(s.Param(r.Service, "smtp_sasl_mechanism_filter"))
	if lint.ContainsFold(filter, "xoauth2", "oauthbearer") && !lint.ContainsFold(filter, "plain", "login") {
		return true
	}
	return strings.HasPrefix(password, "/") && lint.ContainsFold(s.SASLPlugins, "XOAUTH2")
}

// Inspect runs the static checks: what of the catalogue holds on this host,
// whatever the log says. It reads s only. from is the address that mail is sent
// from, "" when it is not known.
func Inspect(s postfix.State, from string) Signs {
	return InspectRoute(s, postfix.RouteOf(s), from)
}

// InspectRoute is Inspect for one of several routes.
func InspectRoute(s postfix.State, r postfix.Route, from string) Signs {
	if !s.Installed || s.Params == nil {
		return nil
	}
	next := r.First()
	hop := lint.Hop{NextHop: next.Text, TLS: relays.Unsure, NoAuth: s.Param(r.Service, "smtp_sasl_password_maps") == "", OAuth: OAuth(s, r, "")}
	switch {
	case relays.UsualTLS(next.Port) == relays.Implicit:
		hop.TLS = relays.Implicit
	case slices.Contains([]int{25, 587, 2525, 2587}, next.Port):
		hop.TLS = relays.StartTLS
	}
	if r.Bridged() {
		hop.Bridge = next.Text
	}
	found := lint.Inspect(s.Facts(), lint.Route{Service: r.Transport, From: from, Hops: []lint.Hop{hop}})
	var signs Signs
	for _, rule := range lint.RouteRules() {
		sign := Sign{Cause: rule.ID, Finding: lint.Finding{Rule: rule.ID, Severity: rule.Severity}}
		if i := slices.IndexFunc(found, func(f lint.Finding) bool { return f.Rule == rule.ID }); i >= 0 {
			sign.Holds, sign.Finding = true, found[i]
		}
		signs = append(signs, sign)
	}
	if !filtered(s) {
		signs = append(signs, Sign{Cause: "content_filter_down"})
	}
	return signs
}

// filtered reports whether mail goes through a content filter (FILTER_README)
// before it goes to the relay. Whether that one lives, no file tells.
func filtered(s postfix.State) bool {
	if s.Params["content_filter"] != "" {
		return true
	}
	return s.Master != nil && slices.ContainsFunc(s.Master.Services(), func(x postfix.Service) bool {
		filter, _ := x.Option("content_filter")
		return filter != ""
	})
}

// Look is Inspect, and what is worth knowing of a line of the log only: whether
// something bypasses the relay. from is as for Inspect.
func Look(s postfix.State, from string) Signs {
	signs := Inspect(s, from)
	if len(signs) == 0 {
		return nil
	}
	sign := Sign{Cause: "override_elsewhere"}
	var found []lint.Finding
	switch next := postfix.RouteOf(s).First(); {
	case next.Text == "": // there is no relay to bypass but one that nothing leads to
		found = s.Facts().Unused()
	case next.Host != "":
		found = s.Facts().Bypass()
	}
	if len(found) > 0 {
		sign.Holds, sign.Finding = true, found[0]
	}
	return append(signs, sign)
}
