package cmd

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"relayhost/internal/config"
	"relayhost/internal/diff"
	"relayhost/internal/flow"
	"relayhost/internal/plan"
	"relayhost/internal/setup"
	"relayhost/internal/smtpprobe"
	"relayhost/internal/ui"
)

// maxRoutesPlanned and maxFilesPlanned keep the plan on one screen.
const (
	maxRoutesPlanned = 4
	maxFilesPlanned  = 6
)

// showPlan says on one screen what a setup will do.
func (a *app) showPlan(s setup.Setup, table *flow.Table) {
	a.io.Say("")
	row := func(label, format string, args ...any) {
		a.io.Tell(fmt.Sprintf("%-10s ", label), "%s", smtpprobe.Sanitize(fmt.Sprintf(format, args...)))
	}
	for i, r := range s.Config.Routes {
		if i == maxRoutesPlanned && len(s.Config.Routes) > i+1 {
			row("Routes", "and %d more", len(s.Config.Routes)-i)
			break
		}
		h, whose := r.Hops[0], ""
		if i > 0 {
			whose = " for " + strings.Join(r.Senders[:min(len(r.Senders), 3)], ", ")
		}
		if n := len(r.Hops) - 1; n > 0 {
			whose += fmt.Sprintf(", with %d fallback(s)", n)
		}
		row("Relay", "%s port %d, %s%s", h.Host, h.Port, trustOf(h), whose)
		if i == 0 {
			row("Account", "%s", first(h.Username, "none (no login)"))
		}
	}
	row("Sender", "%s; %s", s.Config.From(), rewritten(s.Plan))
	row("Test", "one message to %s", s.Config.To)
	if table != nil {
		for i, line := range table.Lines() {
			row(map[bool]string{true: "Mail flow"}[i == 0], "%s", line)
		}
	}
	row("Files", "%s", strings.Join(changedFiles(s.Plan), ", "))
	row("Undo", "sudo relayhost rollback")
	a.io.Say("")
}

// trustOf says how the relay is verified.
func trustOf(h config.Hop) string {
	switch {
	case h.Plaintext():
		return "NO TLS"
	case h.NoVerify:
		return "TLS, certificate NOT verified"
	case h.Pin != "":
		return "TLS, certificate pinned by its fingerprint"
	case h.CAFile != "":
		return "TLS, verified with " + h.CAFile
	}
	return "verified TLS"
}

// rewritten says which senders become the address of --from.
func rewritten(p plan.Plan) string {
	for _, f := range p.Files {
		if filepath.Base(f.Path) == "main.cf" && strings.Contains(string(f.After), "\nsender_canonical_maps = static:") {
			return "EVERY sender on this server becomes this address"
		}
	}
	return "the server's own accounts (root, www-data, cron) send as this address"
}

// changedFiles are the paths of the files that p changes.
func changedFiles(p plan.Plan) []string {
	var names []string
	for _, f := range p.Files {
		if f.Action != plan.Unchanged {
			names = append(names, f.Path)
		}
	}
	if n := len(names) - maxFilesPlanned; n > 1 {
		names = append(names[:maxFilesPlanned], fmt.Sprintf("and %d more", n))
	}
	return names
}

// applyThis asks for consent; "d" shows the whole difference.
func (a *app) applyThis(ctx context.Context, p ui.Prompter, s setup.Setup) (bool, error) {
	a.io.Tell("", "Nothing is changed before the relay has accepted a test message; on failure everything is restored. d shows every line that changes.")
	for {
		answer, err := p.Input("Apply this? [y/N/d]", "", func(v string) error {
			if v = strings.ToLower(v); strings.HasPrefix("yes", v) || strings.HasPrefix("no", v) || v == "d" {
				return nil
			}
			return fmt.Errorf("y, n or d")
		})
		if err != nil {
			return false, err
		}
		if !strings.EqualFold(answer, "d") {
			return strings.HasPrefix(strings.ToLower(answer), "y"), nil
		}
		a.io.Page(ctx, diff.Plan(s.Plan, diff.Style{Color: a.io.Color}))
	}
}
