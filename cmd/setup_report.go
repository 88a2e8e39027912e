package cmd

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"relayhost/internal/apply"
	"relayhost/internal/diff"
	"relayhost/internal/flow"
	"relayhost/internal/plan"
	"relayhost/internal/ui"
	"relayhost/internal/verify"
)

// setupDoc is the document that `setup --json` prints.
type setupDoc struct {
	Version      int            `json:"version"`
	Result       string         `json:"result"` // applied | unchanged | dry_run | rolled_back | failed
	Relay        string         `json:"relay"`
	Host         string         `json:"host"`
	Port         int            `json:"port"`
	TLS          string         `json:"tls"`
	ChangeID     string         `json:"change_id"`
	Files        []setupFile    `json:"files"`
	Commands     []string       `json:"commands"`
	Notes        []string       `json:"notes,omitempty"`
	Routes       []plan.Way     `json:"routes,omitempty"` // the default first, where there are several
	Flow         *flow.Table    `json:"flow,omitempty"`   // where mail goes before and after
	Verification *verify.Report `json:"verification,omitempty"`
	Error        string         `json:"error"`
	Hint         string         `json:"hint,omitempty"`
}

type setupFile struct {
	Path   string `json:"path"`
	Action string `json:"action"`
	Diff   string `json:"diff"`
}

// describe fills the document from the plan.
func (s *setup) describe(p plan.Plan) {
	s.doc.Relay, s.doc.Host, s.doc.Port, s.doc.TLS = p.Relay, p.Host, p.Port, p.TLS
	s.doc.Notes = p.Notes
	if s.isSeveral() {
		s.doc.Routes = p.Routes
	}
	s.doc.Files, s.doc.Commands = []setupFile{}, []string{}
	for _, f := range p.Files {
		file := setupFile{Path: f.Path, Action: string(f.Action)}
		if s.json {
			file.Diff = diff.File(f)
		}
		s.doc.Files = append(s.doc.Files, file)
	}
	for _, c := range p.Commands {
		s.doc.Commands = append(s.doc.Commands, strings.Join(c.Args, " "))
	}
}

// finish prints the document, where one is asked for, and hands the error on.
func (s *setup) finish(err error) error {
	if err != nil && !errors.Is(err, errDifferences) {
		err = s.secretFree(err)
		s.doc.Error = err.Error()
		s.doc.Hint = strings.Join(hints(err), "; ")
		if s.doc.Result == "" || s.doc.Result == "applied" {
			s.doc.Result = "failed"
		}
		var stated statedError // who knows better has said it
		if s.doc.Result == "failed" && !s.json && !errors.As(err, &stated) && !errors.Is(err, errDeclined) && exitCode(err) != exitUsage && exitCode(err) != exitNeedsPerson {
			err = stateOfHost(err, "unchanged")
		}
	}
	if s.json && !s.flags.printConf {
		s.doc.Version = 1
		if v := s.doc.Verification; v != nil {
			for i := range v.Findings {
				v.Findings[i].Detail = s.redact(v.Findings[i].Detail)
			}
		}
		if s.doc.Files == nil {
			s.doc.Files, s.doc.Commands = []setupFile{}, []string{}
		}
		if jerr := s.printJSON(s.doc); err == nil {
			err = jerr
		}
	}
	return err
}

// stateOfHost adds which of three is true at the end of a failed run:
// unchanged, restored, or needs you.
func stateOfHost(err error, state string) error {
	return statedError{err, state}
}

type statedError struct {
	err   error
	state string
}

func (e statedError) Error() string { return e.err.Error() + "\nthis server: " + e.state }
func (e statedError) Unwrap() error { return e.err }

func (s *setup) showDryRun() error {
	s.doc.Result = "dry_run"
	if !s.plan.Changed() {
		if !s.json {
			fmt.Fprintln(s.io.Out, "unchanged")
		}
		return nil
	}
	if !s.json {
		s.showFlow()
		fmt.Fprint(s.io.Out, diff.Plan(s.plan, diff.Style{Color: s.io.Color}))
		s.notes()
	}
	if s.flags.detailedExit {
		return errDifferences
	}
	return nil
}

// printConfig prints the answers as they would be kept.
func (s *setup) printConfig() error {
	for _, f := range s.plan.Files {
		if f.Path == plan.AnswersPath {
			_, err := s.io.Out.Write(f.After)
			return err
		}
	}
	return nil
}

func (s *setup) notes() {
	for _, n := range s.plan.Notes {
		s.io.Tell("note: ", "%s", n)
	}
}

// summary says in one sentence what the question is about.
func (s *setup) summary() {
	n := 0
	for _, f := range s.plan.Files {
		if f.Action != plan.Unchanged {
			n++
		}
	}
	way, what := fmt.Sprintf("%s port %d", s.answers.Host, s.answers.Port), "The relay is"
	if routes := len(s.answers.Routes); routes > 0 {
		way += fmt.Sprintf(", and that of %d routes through relays of their own", routes)
	}
	if s.isSeveral() {
		what = "Each relay is"
	}
	s.io.Tell("", "Mail of this server will leave through %s, as shown above (%d files). "+
		"%s tried first; if the proof fails, everything is put back.", way, n, what)
}

// applied tells what was done and what comes next.
func (s *setup) applied(r apply.Record, proven []outcome) {
	s.doc.Result, s.doc.ChangeID = "applied", r.ID
	if len(proven) > 0 && !s.demo {
		s.keepLogin(s.state.ConfigDir, time.Now())
	}
	if s.json {
		return
	}
	s.io.Done()
	s.tellProven(proven)
	if s.demo {
		return
	}
	s.answer("applied as change " + r.ID + "; relayhost rollback takes it back")
	for _, line := range s.nextSteps(len(proven) > 0) {
		s.answer(line)
	}
}

// tellProven says what became of the test messages.
func (s *setup) tellProven(proven []outcome) {
	if len(proven) == 0 {
		s.answer("written, not proven (--no-verify): relayhost verify proves it")
		return
	}
	for i, o := range proven {
		if i == maxTold && len(proven) > maxTold+1 {
			s.answer(fmt.Sprintf("and %d more routes delivered theirs", len(proven)-i))
			return
		}
		by := ""
		if o.label != "" {
			by = ", by " + o.label
		}
		if o.delivery.Relay == "" {
			s.answer("handed to Postfix: the test message to " + s.answers.To + by + "; no log shows where it went")
			continue
		}
		s.answer("delivered: the test message to " + s.answers.To + by)
		s.answer("  " + o.delivery.Relay + ": " + o.delivery.Reply)
		if verify.Simulator(o.relay, s.answers.To) {
			s.answer("  the service's own test does not show " + o.relay.Test.NotProven)
		}
	}
}

// maxTold bounds the lists that are printed in full.
const maxTold = 10

// answer prints a line, wrapped on a terminal under its own indent. A command
// stays whole, so that it can be copied.
func (s *setup) answer(line string) {
	text := strings.TrimLeft(line, " -")
	indent := line[:len(line)-len(text)]
	if text == "" || !ui.IsTerminal(s.io.Out) || strings.HasPrefix(text, "echo ") {
		fmt.Fprintln(s.io.Out, line)
		return
	}
	fmt.Fprint(s.io.Out, ui.Wrap(text, indent, strings.Repeat(" ", max(2, len(indent))), s.io.Width()))
}

// nextSteps are what only a person can do.
func (s *setup) nextSteps(delivered bool) []string {
	lines := []string{"", "what to do next:"}
	switch {
	case delivered && verify.Simulator(s.answers.Relay, s.answers.To):
		lines = append(lines, "- prove it with a mailbox of your own as well: relayhost verify --to "+s.answers.From)
	case delivered:
		lines = append(lines, "- look for the test message in the mailbox of "+s.answers.To)
	}
	if records := s.dnsRecords(); len(records) > 0 {
		lines = append(lines, "- publish in DNS what is not there yet; relayhost verify checks it:")
		lines = append(lines, records...)
	}
	into := "> /etc/cron.d/relayhost"
	if os.Getenv("SUDO_USER") != "" { // the shell itself is no root
		into = "| sudo tee /etc/cron.d/relayhost"
	}
	return append(lines, "- have it checked daily; verify prints nothing while all is well:",
		"    echo '17 6 * * * root relayhost verify --no-send' "+into)
}

// dnsRecords are those that the service wants for the sender's domain. What
// stands in <> is in the service's own console.
func (s *setup) dnsRecords() []string {
	domain, dns := domainOf(s.answers.From), s.answers.Relay.DNS
	var lines []string
	if dns.SPF != "" {
		lines = append(lines, fmt.Sprintf("    TXT %s: v=spf1 %s ~all", domain, dns.SPF), "      (add it to the SPF record that exists: there may be one only)")
	}
	for _, r := range dns.DKIM {
		name := strings.TrimSuffix(r.Name, "."+domain) + "." + domain
		if r.Value == "" {
			lines = append(lines, fmt.Sprintf("    %s %s: as the console of %s shows it", r.Type, name, s.answers.Relay.Name))
			continue
		}
		lines = append(lines, fmt.Sprintf("    %s %s: %s", r.Type, name, r.Value))
	}
	if strings.Contains(strings.Join(lines, ""), "<") {
		lines = append(lines, "      (what stands in <> is in your account at "+s.answers.Relay.Name+")")
	}
	return lines
}

func domainOf(addr string) string { return addr[strings.LastIndexByte(addr, '@')+1:] }

// progress writes one line a step.
func (s *setup) progress(format string, args ...any) {
	if !s.json || s.verbose {
		s.io.Step(format, args...)
	}
}
