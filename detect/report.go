package detect

import (
	"fmt"
	"slices"
	"strings"
)

// maxLines is how long the report for people may be, at 80 columns.
const maxLines = 12

// Lines is the report for people, at most 12 lines: where am I, what is
// blocked, by whom, what now. The evidence goes when it does not fit.
func (f Facts) Lines() []string {
	lines := fit(f.report(true), textWidth)
	if len(lines) > maxLines {
		lines = fit(f.report(false), textWidth)
	}
	return lines
}

// Brief is the first part of Lines, without advice: what setup prints, which
// acts on it. Its lines are broken at width columns.
func (f Facts) Brief(width int) []string {
	lines := f.report(false)
	return fit(lines[:len(lines)-2], width)
}

// textWidth is the width in columns that text for people keeps to.
const textWidth = 80

// fit breaks the lines of the report at width.
func fit(lines []string, width int) []string {
	var out []string
	for _, line := range lines {
		out = append(out, foldLine(line, "           ", width)...)
	}
	return out
}

// foldLine breaks a line at width and begins what follows with indent. An
// address or a command alone on its line stays whole, so that it can be copied;
// a foreign word that is too long does not.
func foldLine(line, indent string, width int) []string {
	var out []string
	for len([]rune(line)) > width && !isCommand(line, indent) {
		runes := []rune(line)
		cut := width
		for cut > len(indent) && runes[cut] != ' ' {
			cut--
		}
		next := cut + 1
		if cut == len(indent) {
			if strings.HasPrefix(line, indent+"http") {
				break
			}
			cut, next = width, width
		}
		out = append(out, string(runes[:cut]))
		line = indent + string(runes[next:])
	}
	return append(out, line)
}

func isCommand(line, indent string) bool {
	return strings.HasPrefix(line, indent+"sudo ") || strings.HasPrefix(line, indent+"relayhost ")
}

// report is Lines at any width and of any length; advice and command are the
// last two.
func (f Facts) report(evidence bool) []string {
	lines := []string{"Host       " + f.where()}
	if evidence && len(f.Host.Evidence) > 0 {
		lines = append(lines, "           "+strings.Join(f.Host.Evidence[:min(len(f.Host.Evidence), 2)], "; "))
	}
	lines = append(lines, "Port 25    "+f.families())
	lines = append(lines, "           "+f.Port25.Why)
	if rule := f.Port25.LocalRule; rule != "" && !strings.Contains(f.Port25.Why, rule) {
		lines = append(lines, "           local rule: "+rule)
	}
	if f.Policy != nil && !slices.Contains([]Verdict{Offline, DNSFailed, Unreachable}, f.Port25.Verdict) {
		lines = append(lines, "Blocked by "+f.blame())
		if v := f.Port25.Verdict; v != Open && v != BlockedLocally && v != Intercepted {
			more := "how to ask"
			switch f.Policy.Unblock {
			case "no":
				more = "details"
			case "self_service", "automatic": // nobody is asked
				more = "how"
			}
			lines = append(lines, "           "+unblockSays[f.Policy.Unblock]+"; "+more+": relayhost unblock")
		}
	}
	lines = append(lines, f.submissionLines()...)
	return append(lines, "What now   "+f.Advice, "           "+f.Next)
}

func (f Facts) where() string {
	h := f.Host
	if h.Provider == "" {
		text := "no known provider"
		if h.PublicIPv4 != "" {
			text += ", address " + h.PublicIPv4
		}
		return text
	}
	text := h.Name + " (" + string(h.Confidence) + ")"
	for _, part := range []string{h.Region, h.InstanceID, h.PublicIPv4} {
		if part != "" {
			text += ", " + part
		}
	}
	return text
}

func (f Facts) families() string {
	p := f.Port25
	text := string(p.Verdict)
	if p.IPv4 != p.IPv6 {
		text += fmt.Sprintf(" (IPv4 %s, IPv6 %s)", p.IPv4, p.IPv6)
	}
	return strings.ReplaceAll(text, "_", " ")
}

// unblockSays is the way out that a provider offers, in words.
var unblockSays = map[string]string{
	"no":           "not opened on request",
	"request":      "may be opened on request",
	"self_service": "you can open it yourself",
	"automatic":    "opened at once by a form",
	"unknown":      "whether it can be opened is not known",
}

// blame compares what was seen with what the provider says of itself.
func (f Facts) blame() string {
	documented := slices.Contains(f.Policy.Blocked, 25)
	switch v := f.Port25.Verdict; {
	case v == BlockedLocally:
		return "this host itself, not " + f.Host.Name
	case v == Open && documented:
		return fmt.Sprintf("nobody here; %s blocks port 25 by default (as of %s)", f.Host.Name, f.Policy.AsOf)
	case v == Open:
		return "nobody"
	case documented && v == NotProbed:
		return fmt.Sprintf("%s by default (as of %s); not probed from here", f.Host.Name, f.Policy.AsOf)
	case documented:
		return fmt.Sprintf("%s, which blocks %s by default (as of %s)", f.Host.Name, portList(f.Policy.Blocked), f.Policy.AsOf)
	case v == NotProbed:
		return fmt.Sprintf("nobody known: %s is not known to block port 25 (as of %s); not probed from here", f.Host.Name, f.Policy.AsOf)
	case v == Inconclusive || v == Intermittent:
		return fmt.Sprintf("nobody known: %s is not known to block port 25 (as of %s)", f.Host.Name, f.Policy.AsOf)
	default:
		return "an unknown firewall: check " + f.Host.Name + "'s rules and the router"
	}
}

func portList(ports []int) string {
	words := make([]string, len(ports))
	for i, p := range ports {
		words[i] = fmt.Sprint(p)
	}
	if len(words) == 1 {
		return "port " + words[0]
	}
	return "ports " + strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// oneRelay reports whether all ports are of one service: the one that was named.
func (f Facts) oneRelay() bool {
	return !slices.ContainsFunc(f.Submission, func(s Submission) bool { return s.Relay != f.Submission[0].Relay })
}

// submissionLines puts the submission ports on one line, and the first fault of
// a dialogue on another.
func (f Facts) submissionLines() []string {
	if len(f.Submission) == 0 {
		return nil
	}
	parts := make([]string, len(f.Submission))
	fault := ""
	for i, s := range f.Submission {
		parts[i] = fmt.Sprintf("%d %s", s.Port, strings.ReplaceAll(s.Result, "_", " "))
		if fault == "" && s.Detail != "" && s.Step != "connect" && f.oneRelay() {
			fault = s.Detail
		}
	}
	lines := []string{"Submission " + strings.Join(parts, ", ")}
	var apis []string
	for _, s := range f.HTTPS {
		apis = append(apis, s.Host+" "+strings.ReplaceAll(s.Result, "_", " "))
	}
	if len(apis) > 0 {
		lines = append(lines, "HTTPS      "+strings.Join(apis, ", "))
	}
	if fault != "" {
		lines = append(lines, "           "+fault)
	}
	return lines
}
