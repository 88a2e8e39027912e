package detect

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"relayhost/relays"
)

// advise says what to do next: one sentence and one command.
func (r *run) advise(f Facts) (advice, next string) {
	switch f.Port25.Verdict {
	case NotProbed:
		return "nothing was probed: see which ports are open", "relayhost detect"
	case Offline:
		return "no outgoing connection works from this host, so no relay is reachable: fix the network first", "ip route"
	case DNSFailed:
		if len(r.Targets) > 0 && r.namesResolve() {
			return "other names resolve, that of the target does not: check --target", "relayhost detect"
		}
		return "names do not resolve: fix the resolver first", "cat /etc/resolv.conf"
	case BlockedLocally:
		if show := showCommand(f.Port25.LocalRule); show != "" {
			return "a rule on this host closes port 25, not the provider: change it, or use a relay", show
		}
		if r.euid() != 0 {
			return "this host itself closes port 25: run again as root to see the rule", "sudo relayhost detect"
		}
		return "this host itself closes port 25: look through its routes and rules", "ip route show table all"
	}
	if r.cut && !slices.ContainsFunc(f.Submission, func(s Submission) bool { return s.Result == "open" }) {
		return "the time that the run was given (--timeout) was too short: give it more", r.withRelay("relayhost detect")
	}
	setup, how := r.byHTTPS(f)
	if setup == "" {
		setup, how = r.setup(f)
	}
	if setup == "" {
		return fmt.Sprintf("port 25 is %s and %s: nothing can be set up from here yet", said(f.Port25.Verdict), how), "relayhost unblock"
	}
	if f.Port25.Verdict == Open {
		return "port 25 is open, mail can leave without a relay; if you want one, " + how, setup
	}
	return fmt.Sprintf("port 25 is %s: use a relay, %s", said(f.Port25.Verdict), how), setup
}

// setup is the command that sets up the relay that was named, or the best one
// of the catalogue; "" when none can be reached.
func (r *run) setup(f Facts) (command, how string) {
	if r.Relay == nil {
		return setupBest(r.Catalog, f)
	}
	for _, row := range f.Submission {
		if row.Result == "open" {
			return r.withRelay("sudo relayhost setup"), fmt.Sprintf("%s answers on port %d", r.Relay.Name, row.Port)
		}
	}
	return "", "no port of " + r.Relay.Name + " works from here"
}

// namesResolve reports whether any public name has resolved.
func (r *run) namesResolve() bool {
	select {
	case <-r.resolved:
		return true
	default:
		return false
	}
}

// withRelay is command with the relay that was named.
func (r *run) withRelay(command string) string {
	if r.Relay == nil {
		return command
	}
	name := r.Named
	if name == "" {
		name = r.Relay.ID
	}
	command += " --relay " + quote(name)
	if r.Region != "" {
		command += " --region " + quote(r.Region)
	}
	return command
}

// quote makes one word of text for sh(1).
func quote(text string) string {
	if plainArg.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

var plainArg = regexp.MustCompile(`^[A-Za-z0-9_./@%+=:,-]+$`)

func setupBest(catalog []relays.Relay, f Facts) (command, how string) {
	if len(catalog) == 0 {
		return "sudo relayhost setup", "setup asks which"
	}
	best, ok := Best(Rank(f, catalog), catalog)
	if !ok {
		return "", "none of the usual submission ports is reachable"
	}
	name := best.Relay
	if s, err := relays.Find(catalog, best.Relay); err == nil {
		name = s.Name
	}
	if best.Works != ReachSeen && f.probed() {
		return "relayhost detect --relay " + best.Relay,
			fmt.Sprintf("though none of the usual submission ports is reachable; port %d of %s has not been tried", best.Port, name)
	}
	return "sudo " + best.Command(), "for example " + name + ": " + best.Reason
}

// probed reports whether a submission port has been tried.
func (f Facts) probed() bool {
	return slices.ContainsFunc(f.Submission, func(s Submission) bool { return s.Result != string(NotProbed) && s.Result != string(DNSFailed) })
}

func said(v Verdict) string {
	switch v {
	case Refused:
		return "refused"
	case Prohibited:
		return "closed by a router"
	case Intermittent:
		return "open only now and then"
	case Intercepted:
		return "intercepted"
	case Unreachable:
		return "out of reach"
	case Inconclusive:
		return "in doubt"
	default:
		return string(v)
	}
}

// showCommand prints the chain that a quoted rule is in.
func showCommand(localRule string) string {
	tool, text, _ := strings.Cut(localRule, ": ")
	switch tool {
	case "ufw":
		return "sudo ufw status numbered"
	case "iptables", "ip6tables", "iptables-legacy", "ip6tables-legacy":
		return "sudo " + tool + " -S " + quote(strings.Fields(text + " OUTPUT")[1])
	case "nft":
		chain, _, _ := strings.Cut(strings.TrimPrefix(text, "chain "), ": ")
		return "sudo nft -a list chain " + chain
	}
	return ""
}
