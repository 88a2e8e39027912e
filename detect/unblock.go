package detect

import (
	"cmp"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"relayhost/relays"
)

//go:embed unblock_report.tmpl
var unblockText string

var unblockTemplate = template.Must(template.New("unblock").Funcs(template.FuncMap{"ports": portList, "join": strings.Join}).Parse(unblockText))

// DomainFinding is one check of the sender's domain. Result is pass, warn, fail
// or skip.
type DomainFinding struct {
	Check  string // ptr | fcrdns | spf | dkim | dmarc
	Result string
	Detail string // "v=spf1 include:amazonses.com -all"
}

// UnblockFacts is all that the request text is filled with.
type UnblockFacts struct {
	Facts    Facts
	Entry    HostEntry
	Hostname string // this server's full name
	IPv6     string // its address, "" for none
	Domain   string // the sender's
	Purpose  string // what is sent, in the administrator's words
	Volume   string // how much, in the administrator's words
	Findings []DomainFinding
	Catalog  []relays.Relay // to name another way from
}

// Unblock is the way to open port 25 at a provider.
type Unblock struct {
	Version  int      `json:"version"`
	Provider string   `json:"provider"`
	Name     string   `json:"name"`
	Blocked  []int    `json:"blocked"`
	Lifted   string   `json:"lifted"` // the provider's own unblock: no | request | ...
	Steps    []string `json:"steps"`
	Missing  []string `json:"missing"` // to be done before asking
	Request  string   `json:"request"` // ready to paste; "" where nobody would read it
	Instead  string   `json:"instead"` // the relay and port to use in any case
	URL      string   `json:"url"`
	AsOf     string   `json:"as_of"`
	Doubt    string   `json:"doubt,omitempty"` // conflicts between sources, or weak ones
	text     string
}

// Text is the whole for people.
func (u Unblock) Text() string { return u.text }

// UnblockRequest says how the provider lifts the block and writes the request.
// It is pure.
func UnblockRequest(f UnblockFacts) (Unblock, error) {
	p := f.Entry.Policy
	u := Unblock{Version: 1, Provider: f.Entry.ID, Name: f.Entry.Name, Blocked: p.Blocked, Lifted: p.Unblock,
		Steps: p.Steps, URL: p.URL, AsOf: p.AsOf.String(), Doubt: f.doubt(), Instead: f.instead()}
	if p.Unblock == "request" || p.Unblock == "unknown" {
		u.Missing = f.missing()
		u.Request = f.request()
	}
	var text strings.Builder
	err := unblockTemplate.Execute(&text, map[string]any{"U": u, "P": p, "Says": unblockSays[p.Unblock], "Residential": f.Entry.Kind == "residential"})
	u.text = foldText(text.String())
	return u, err
}

// foldText folds what is for people; the lines of the request stay as they are
// to be pasted.
func foldText(text string) string {
	var b strings.Builder
	request := false
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "-----") {
			request = !request
		}
		if request {
			b.WriteString(line + "\n")
			continue
		}
		indent := ""
		if strings.HasPrefix(line, "  - ") {
			indent = "    "
		}
		b.WriteString(strings.Join(foldLine(line, indent, textWidth), "\n") + "\n")
	}
	return b.String()
}

// doubt carries the conflicts and the weakness of the sources into the output.
func (f UnblockFacts) doubt() string {
	p := f.Entry.Policy
	parts := []string{}
	if p.Confidence == "recalled" || p.Confidence == "unsure" {
		parts = append(parts, "This policy is "+p.Confidence+", not from a source that was read.")
	}
	if p.Conflicts != "" {
		parts = append(parts, p.Conflicts)
	}
	return strings.Join(parts, " ")
}

// missing lists what a provider would turn the request down for.
func (f UnblockFacts) missing() []string {
	list := []string{}
	if f.address() == "" {
		list = append(list, "the public address of this server is not known")
	}
	for _, want := range []struct{ check, name string }{
		{"ptr", "reverse DNS"}, {"fcrdns", "forward-confirmed reverse DNS"}, {"spf", "SPF"}, {"dkim", "DKIM"}, {"dmarc", "DMARC"},
	} {
		finding, ok := f.finding(want.check)
		if ok && finding.Result != "pass" && finding.Result != "skip" {
			list = append(list, want.name+": "+finding.Detail)
		}
	}
	if f.Purpose == "" {
		list = append(list, "what the mail is for (--purpose)")
	}
	return list
}

func (f UnblockFacts) finding(check string) (DomainFinding, bool) {
	i := slices.IndexFunc(f.Findings, func(d DomainFinding) bool { return d.Check == check })
	if i < 0 {
		return DomainFinding{}, false
	}
	return f.Findings[i], true
}

func (f UnblockFacts) address() string { return f.Facts.Host.PublicIPv4 }

// request is the text to paste into the provider's form or ticket.
func (f UnblockFacts) request() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("Please allow outbound SMTP (TCP port 25) for this server.")
	line("")
	for _, row := range [][2]string{
		{"Server", cmp.Or(f.Hostname, "<name of the server>")},
		{"Instance", f.Facts.Host.InstanceID},
		{"Region", f.Facts.Host.Region},
		{"IPv4 address", cmp.Or(f.address(), "<public address>")},
		{"IPv6 address", f.IPv6},
		{"Domain", cmp.Or(f.Domain, "<domain of the sender>")},
		{"Reverse DNS", f.state("ptr")},
		{"Forward-confirmed", f.state("fcrdns")},
		{"SPF", f.state("spf")},
		{"DKIM", f.state("dkim")},
		{"DMARC", f.state("dmarc")},
	} {
		if row[1] != "" {
			line("%-18s %s", row[0]+":", row[1])
		}
	}
	line("")
	line("What is sent:      %s", cmp.Or(f.Purpose, "<what the mail is, and to whom>"))
	line("How much:          %s", cmp.Or(f.Volume, "<messages a day>"))
	line("")
	line("We send only to recipients who asked for this mail. Bounces and complaints are")
	line("read and acted on, and every message names a sender who can be reached. The")
	line("server accepts no mail for relaying from outside.")
	return b.String()
}

func (f UnblockFacts) state(check string) string {
	finding, ok := f.finding(check)
	switch {
	case !ok || finding.Result == "skip":
		return ""
	case finding.Result == "pass":
		return cmp.Or(clean(finding.Detail), "yes")
	default:
		return "<to be set: " + clean(finding.Detail) + ">"
	}
}

// instead names the relay and port that get out whatever the provider decides.
func (f UnblockFacts) instead() string {
	known := Facts{Host: Host{Provider: f.Entry.ID, Region: f.Facts.Host.Region}, Submission: f.Facts.Submission}
	c, ok := Best(Rank(known, f.Catalog), f.Catalog)
	if !ok || c.Works == ReachDenied {
		return "No relay can be reached by SMTP from here by what is known: only a service's HTTPS interface is left."
	}
	return fmt.Sprintf("%s on port %d (sudo %s): %s", c.Relay, c.Port, c.Command(), c.Reason)
}
