package cmd

import (
	"errors"
	"fmt"
	"strings"

	"relayhost/internal/apply"
	"relayhost/internal/diff"
	"relayhost/internal/plan"
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
	s.doc.Files, s.doc.Commands = []setupFile{}, []string{}
	for _, f := range p.Files {
		s.doc.Files = append(s.doc.Files, setupFile{f.Path, string(f.Action), diff.File(f)})
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
		if s.doc.Result == "failed" && !s.json && exitCode(err) != exitUsage && exitCode(err) != exitNeedsPerson {
			err = stateOfHost(err, "unchanged")
		}
	}
	if s.json && !s.flags.printConf {
		s.doc.Version = 1
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
		fmt.Fprint(s.io.Out, diff.Plan(s.plan, s.io.Color))
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
		s.io.Say("note: %s", n)
	}
}

// applied tells what was done and what comes next.
func (s *setup) applied(r apply.Record, d *verify.Delivery) {
	s.doc.Result, s.doc.ChangeID = "applied", r.ID
	if s.json {
		return
	}
	out := s.io.Out
	if d != nil {
		fmt.Fprintf(out, "delivered: %s accepted the test message to %s\n  %s\n", d.Relay, s.answers.To, d.Reply)
	} else {
		fmt.Fprintln(out, "written, not proven (--no-verify): relayhost verify proves it")
	}
	fmt.Fprintf(out, "applied as change %s; relayhost rollback takes it back\n", r.ID)
	if spf := s.answers.Relay.DNS.SPF; spf != "" {
		fmt.Fprintf(out, "next: the SPF record of %s should hold %s; relayhost verify checks it\n", domainOf(s.answers.From), spf)
	}
}

func domainOf(addr string) string { return addr[strings.LastIndexByte(addr, '@')+1:] }

// progress writes one line a step.
func (s *setup) progress(format string, args ...any) {
	if !s.json || s.verbose {
		s.io.Say(format, args...)
	}
}
