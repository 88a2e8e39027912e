package lint

import (
	"fmt"
	"strings"
)

// duplicate finds parameters that are defined more than once; the last
// definition counts. Blocks that were pasted twice become one finding.
func duplicate(v *View) (found []Finding) {
	first := map[string]int{}
	var names []string
	lines, line := []string{}, 0
	for _, p := range v.Defined {
		at, seen := first[p.Name]
		if !seen {
			first[p.Name] = p.Line
			continue
		}
		if line == 0 {
			line = p.Line
		}
		names = append(names, p.Name)
		lines = append(lines, fmt.Sprintf("%s in lines %d and %d", p.Name, at, p.Line))
	}
	if len(names) == 0 {
		return nil
	}
	const most = 6
	if more := len(lines) - most; more > 0 {
		lines = append(lines[:most], fmt.Sprintf("%d more", more))
	}
	return []Finding{{File: v.Main, Line: line, Detail: "parameters are defined more than once, and only the last definition counts: " + strings.Join(lines, ", "),
		Remedy: "Remove all definitions but the one that is meant."}}
}

// booleans are parameters that take yes or no and that the programs on the way of
// mail read: another value ends them with "bad boolean configuration" (postconf(5)).
var booleans = []string{
	"append_at_myorigin", "append_dot_mydomain", "swap_bangpath", "allow_percent_hack", "allow_min_user", "resolve_dequoted_address",
	"resolve_null_domain", "resolve_numeric_domain", "sender_based_routing", "owner_request_special", "biff", "soft_bounce", "disable_dns_lookups",
	"enable_original_recipient", "helpful_warnings", "expand_owner_alias", "smtp_sasl_auth_enable", "smtp_sender_dependent_authentication",
	"smtp_tls_wrappermode", "smtp_use_tls", "smtp_enforce_tls", "smtp_tls_note_starttls_offer", "smtp_always_send_ehlo", "smtp_never_send_ehlo",
	"smtp_send_xforward_command", "smtp_tls_enforce_peername", "smtp_quote_rfc821_envelope", "smtp_defer_if_no_mx_address_found",
}

// notBoolean finds other values there.
func notBoolean(v *View) (found []Finding) {
	for _, name := range booleans {
		p, ok := v.Last(name)
		value := v.Value(name)
		if !ok || strings.EqualFold(value, "yes") || strings.EqualFold(value, "no") || strings.Contains(value, "$") {
			continue
		}
		found = append(found, Finding{File: v.Main, Line: p.Line, Parameter: name,
			Detail: fmt.Sprintf("%s is %q and takes yes or no: each program that reads it ends, and no mail moves", name, value),
			Remedy: "Set " + name + " to yes or no, or remove it.", Command: fmt.Sprintf("postconf -# %s && postfix reload", name)})
	}
	return found
}
