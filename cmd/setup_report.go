package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"relayhost/detect"
	"relayhost/internal/apply"
	"relayhost/internal/ask"
	"relayhost/internal/config"
	"relayhost/internal/diff"
	"relayhost/internal/flow"
	"relayhost/internal/plan"
	"relayhost/internal/plural"
	"relayhost/internal/postfix"
	"relayhost/internal/setup"
	"relayhost/internal/smtpprobe"
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
	Routes       []plan.Route   `json:"routes,omitempty"` // the default first, where there are several
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

// setupReport prints what setup does, and collects its document. It is the
// setup.Reporter of the command line.
type setupReport struct {
	*app
	doc       setupDoc
	installed []string // packages of this run
}

// deps is the host that the command works on.
func (a *app) deps() setup.Deps {
	return setup.Deps{Host: a.host, ConfigDir: a.configDir, Report: &setupReport{app: a}}
}

// Step writes one line a step.
func (r *setupReport) Step(format string, args ...any) {
	if !r.json || r.verbose {
		r.io.Step(format, args...)
	}
}

// Part adds to the line of the step.
func (r *setupReport) Part(step string) {
	if !r.json || r.verbose {
		r.io.Part(step)
	}
}

// Note and Warn tell what the administrator should know.
func (r *setupReport) Note(format string, args ...any) { r.io.Tell("note: ", format, args...) }
func (r *setupReport) Warn(format string, args ...any) { r.io.Tell("warning: ", format, args...) }

// Unproven says what was not proven.
func (r *setupReport) Unproven(format string, args ...any) {
	text := r.here(fmt.Sprintf(format, args...))
	r.doc.Notes = append(r.doc.Notes, text)
	r.io.Tell("note: ", "%s", text)
}

// Found prints what detection has found out.
func (r *setupReport) Found(facts detect.Facts) {
	r.io.Done()
	if r.json {
		return
	}
	r.io.Say("")
	for _, line := range facts.Brief(r.io.Width()) {
		r.io.Say("%s", line)
	}
	r.io.Say("")
}

// Trace writes the SMTP dialogue.
func (r *setupReport) Trace() func(smtpprobe.Exchange) {
	if !r.verbose {
		return nil
	}
	return func(e smtpprobe.Exchange) {
		if e.Sent {
			r.io.Say("  > %s", e.Line)
			return
		}
		r.io.Say("  < %s", r.io.Reply(e.Line))
	}
}

// planned fills the document from the plan.
func (r *setupReport) planned(s setup.Setup) {
	p := s.Plan
	hop := p.First()
	r.doc.Relay, r.doc.Host, r.doc.Port, r.doc.TLS = hop.Relay, hop.Host, hop.Port, hop.TLS
	r.doc.Notes = p.Notes
	if s.Config.Several() {
		r.doc.Routes = p.Routes
	}
	r.doc.Files, r.doc.Commands = []setupFile{}, []string{}
	for _, f := range p.Files {
		file := setupFile{Path: f.Path, Action: string(f.Action)}
		if r.json {
			file.Diff = diff.File(f)
		}
		r.doc.Files = append(r.doc.Files, file)
	}
	for _, c := range p.Commands {
		r.doc.Commands = append(r.doc.Commands, strings.Join(c.Args, " "))
	}
}

// finish prints the document, where one is asked for, and hands the error on.
func (r *setupReport) finish(err error, redact func(string) string, printConf bool) error {
	var found setup.Explained
	if errors.As(err, &found) {
		report := verify.NewReport([]verify.Finding{found.Finding.At(r.configDir)})
		r.doc.Verification = &report
	}
	if err != nil && !errors.Is(err, errDifferences) {
		if text := err.Error(); redact(text) != text {
			err = redactedError{err, redact(text)}
		}
		r.doc.Error = err.Error()
		r.doc.Hint = r.here(strings.Join(hints(err), "; "))
		if r.doc.Result == "" || r.doc.Result == "applied" {
			r.doc.Result = "failed"
		}
		var stated setup.StatedError // who knows better has said it
		if r.doc.Result == "failed" && !r.json && !errors.As(err, &stated) && !errors.Is(err, ask.ErrDeclined) && exitCode(err) != exitUsage && exitCode(err) != exitIncomplete {
			err = setup.StatedError{Err: err, State: r.state()}
		}
	}
	if !r.json || printConf {
		return err
	}
	r.doc.Version = 1
	if v := r.doc.Verification; v != nil {
		for i := range v.Findings {
			v.Findings[i].Detail = redact(v.Findings[i].Detail)
		}
	}
	if r.doc.Files == nil {
		r.doc.Files, r.doc.Commands = []setupFile{}, []string{}
	}
	if jerr := r.printJSON(r.doc); err == nil {
		err = jerr
	}
	return err
}

// state says what a run that has failed before its commit leaves behind.
func (r *setupReport) state() string {
	if len(r.installed) > 0 {
		return "unchanged, but for what was installed: " + strings.Join(r.installed, ", ")
	}
	return "unchanged"
}

func (r *setupReport) dryRun(p plan.Plan, table *flow.Table, exitCode bool) error {
	r.doc.Result = "dry_run"
	if !p.Changed() {
		if !r.json {
			fmt.Fprintln(r.io.Out, "unchanged")
		}
		return nil
	}
	if !r.json {
		showFlow(r.io, table, true)
		fmt.Fprint(r.io.Out, diff.Plan(p, diff.Style{Color: r.io.Color}))
		tellNotes(r.io, p)
	}
	if exitCode {
		return errDifferences
	}
	return nil
}

// printConfig prints the Config as it would be kept.
func printConfig(a *app, p plan.Plan) error {
	for _, f := range p.Files {
		if f.Path == config.Path {
			_, err := a.io.Out.Write(f.After)
			return err
		}
	}
	return nil
}

// unchanged is a second identical setup: it tries the relays, sends nothing and
// writes nothing but what the bridges keep beside their configurations.
func (r *setupReport) unchanged(ctx context.Context, s setup.Setup, tokens setup.Tokens, q *ask.Questions) (err error) {
	if !s.NoProbe {
		if tokens, err = setup.SignIn(ctx, s, q); err == nil {
			err = setup.Preflight(ctx, s, tokens)
		}
		if err != nil {
			return err
		}
	}
	if err := s.KeepBridges(ctx, tokens); err != nil {
		return err
	}
	r.doc.Result = "unchanged"
	r.io.Done()
	r.stopped(ctx, s)
	if !r.json {
		fmt.Fprintln(r.io.Out, "unchanged")
	}
	if q.Can() {
		r.io.Tell("", "%s", r.here(alreadySetUp(s.Config)))
	}
	return nil
}

// stopped says that mail does not leave although nothing is to be changed.
func (r *setupReport) stopped(ctx context.Context, s setup.Setup) {
	if !s.State.Running {
		r.Unproven("Postfix is not running, and mail waits until it is started: %s", postfix.ByHand(ctx, &r.host.Reader, s.State.ConfigDir, "start"))
	}
}

// alreadySetUp says what a setup that changes nothing has found, and what could be meant.
func alreadySetUp(c config.Config) string {
	host, port := c.First().Shown()
	return fmt.Sprintf("Already set up for %s port %d. relayhost setup --relay NAME chooses another relay, "+
		"--credentials-file - asks for a new login; relayhost verify tests delivery.", host, port)
}

// showFlow prints the flow table before the differences.
func showFlow(io *ui.Streams, table *flow.Table, dryRun bool) {
	if table == nil {
		return
	}
	lines := table.Lines()
	if len(lines) == 0 {
		return
	}
	if senders := table.Senders(); senders != "" {
		lines = append(lines, senders)
	}
	if dryRun {
		fmt.Fprintln(io.Out, "mail of this server:")
		for _, line := range lines {
			fmt.Fprintln(io.Out, "  "+smtpprobe.Sanitize(line))
		}
		fmt.Fprintln(io.Out)
		return
	}
	io.Tell("", "mail of this server:")
	for _, line := range lines {
		io.Tell("  ", "%s", smtpprobe.Sanitize(line))
	}
}

func tellNotes(io *ui.Streams, p plan.Plan) {
	for _, n := range p.Notes {
		io.Tell("note: ", "%s", n)
	}
}

// confirm shows the difference and asks once.
func (a *app) confirm(ctx context.Context, s setup.Setup, table *flow.Table, f setupFlags, q *ask.Questions) (w setup.Queue, err error) {
	w.Fate = f.queue
	w.Messages, err = postfix.ReadQueue(ctx, &a.host.Reader, a.configDir)
	if err != nil && f.queue == "hold" {
		return w, hint(err, "hold what waits first: postsuper -h ALL; then leave --queue hold out")
	}
	if err != nil && !errors.Is(err, postfix.ErrLongQueue) {
		w.Messages = nil // a Postfix that is stopped cannot list its queue
	}
	if !a.json {
		a.io.Done()
		if f.yes || a.verbose {
			showFlow(a.io, table, false)
			a.io.Say("\n%s", diff.Plan(s.Plan, diff.Style{Color: a.io.Color}))
		}
		tellNotes(a.io, s.Plan)
		if len(w.Messages) > 0 {
			a.io.Tell("", "%s", w.Summary())
		}
	}
	if !s.State.Running {
		a.io.Tell("note: ", "Postfix is not running and will be started")
	}
	if f.yes {
		return w, nil
	}
	err = q.Consent(ctx, s, table, &w)
	return w, err
}

// committed fills the document from what a commit has done, be it a failed one.
func (r *setupReport) committed(out setup.Outcome) {
	if r.doc.Verification = out.Report; out.Report != nil {
		for i, f := range out.Report.Findings {
			out.Report.Findings[i] = f.At(r.configDir)
		}
	}
	if out.Change.State == apply.RolledBack || out.ProofFailed && !out.Kept {
		r.doc.Result = "rolled_back"
	}
}

// applied tells what was done and what comes next.
func (r *setupReport) applied(s setup.Setup, out setup.Outcome, next func(delivered bool) []string) {
	r.doc.Result, r.doc.ChangeID = "applied", out.Change.ID
	if len(out.Proven) > 0 {
		setup.KeepLogin(s.Deps, s.State.ConfigDir, time.Now())
	}
	if r.json {
		return
	}
	r.io.Done()
	tellProven(r.io, r.configDir, s.Config.To, out.Proven)
	tellAnswer(r.io, r.here("Done. Undo: sudo relayhost rollback")+" (change "+out.Change.ID+")")
	for _, line := range next(len(out.Proven) > 0) {
		tellAnswer(r.io, r.here(line))
	}
}

// tellProven says what became of the test messages.
func tellProven(io *ui.Streams, configDir, to string, proven []setup.Delivered) {
	if len(proven) == 0 {
		tellAnswer(io, postfix.AtInstance("Configured, not tested (--no-verify). Test it: sudo relayhost verify", configDir))
		return
	}
	for i, o := range proven {
		if i == maxTold && len(proven) > maxTold+1 {
			tellAnswer(io, more(proven[i:]))
			return
		}
		by := ""
		if o.Label != "" {
			by = ", by " + o.Label
		}
		what := "the test message to " + to
		if o.RootTo != "" {
			what = "a message for root, to " + o.RootTo
		}
		if o.Delivery.Relay == "" {
			tellAnswer(io, "handed to Postfix: "+what+by+"; no log shows where it went")
			continue
		}
		tellAnswer(io, "delivered: "+what+by)
		tellAnswer(io, "  "+o.Delivery.Relay+": "+o.Delivery.Reply)
		if verify.Simulator(o.Relay, to) {
			tellAnswer(io, "  the relay's own test address does not show "+o.Relay.Test.NotProven)
		}
	}
}

// more sums up the test messages that are not told one by one.
func more(proven []setup.Delivered) string {
	unseen := 0
	for _, o := range proven {
		if o.Delivery.Relay == "" {
			unseen++
		}
	}
	switch delivered := len(proven) - unseen; {
	case unseen == 0:
		return "delivered: " + plural.Of(delivered, "more test message")
	case delivered == 0:
		return "handed to Postfix: " + plural.Of(unseen, "more test message") + "; no log shows where they went"
	default:
		return fmt.Sprintf("delivered: %s; of %d more no log shows where they went", plural.Of(delivered, "more test message"), unseen)
	}
}

// maxTold bounds the lists that are printed in full.
const maxTold = 10

// tellAnswer prints a line, wrapped on a terminal under its own indent. A command
// stays whole, so that it can be copied.
func tellAnswer(io *ui.Streams, line string) {
	text := strings.TrimLeft(line, " -")
	indent := line[:len(line)-len(text)]
	if text == "" || !ui.IsTerminal(io.Out) || strings.HasPrefix(text, "echo ") {
		fmt.Fprintln(io.Out, line)
		return
	}
	fmt.Fprint(io.Out, ui.Wrap(text, indent, strings.Repeat(" ", max(2, len(indent))), io.Width()))
}
