package ask

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"relayhost/internal/apply"
	"relayhost/internal/config"
	"relayhost/internal/diff"
	"relayhost/internal/flow"
	"relayhost/internal/plan"
	"relayhost/internal/plural"
	"relayhost/internal/postfix"
	"relayhost/internal/setup"
	"relayhost/internal/smtpprobe"
	"relayhost/internal/ui"
)

// queueChoices are the answers to --queue ask.
var queueChoices = []ui.Option{
	{Value: "send", Text: "send it through the relay"},
	{Value: "hold", Text: "hold it: postsuper -H ALL releases it later"},
}

// Consent shows the plan on one screen and asks whether to apply it, and, where mail
// waits and w says to ask, what becomes of it. The answers are given once and not
// remembered. A no is ErrDeclined.
func (q *Questions) Consent(ctx context.Context, s setup.Setup, table *flow.Table, w *setup.Queue) error {
	if _, err := q.ask(ctx, "the consent", "--yes"); err != nil {
		return err
	}
	p := q.talk.Prompter
	for {
		showPlan(q.Terminal, s, table)
		yes, err := applyThis(ctx, q.Terminal, p, s)
		if err != nil {
			return err
		}
		if !yes {
			return ErrDeclined
		}
		if len(w.Messages) == 0 || w.Fate != "ask" {
			return nil
		}
		fate, err := p.Select("What happens to the mail that waits?", queueChoices)
		if errors.Is(err, ui.ErrBack) {
			continue
		}
		w.Fate = fate
		return err
	}
}

// maxRoutesPlanned and maxFilesPlanned keep the plan on one screen.
const (
	maxRoutesPlanned = 4
	maxFilesPlanned  = 6
)

func showPlan(t Terminal, s setup.Setup, table *flow.Table) {
	t.IO.Say("")
	for _, r := range planScreen(s, table) {
		t.IO.Tell(fmt.Sprintf("%-10s ", r.label), "%s", smtpprobe.Sanitize(r.text))
	}
	t.IO.Say("")
}

// Card is the plan of s on one screen, width columns wide. other replaces the text of
// rows, by their label.
func Card(s setup.Setup, width int, other map[string]string) string {
	var b strings.Builder
	for _, r := range planScreen(s, nil) {
		first := fmt.Sprintf("%-10s ", r.label)
		b.WriteString(ui.Wrap(smtpprobe.Sanitize(cmp.Or(other[r.label], r.text)), first, strings.Repeat(" ", len(first)), width))
	}
	return b.String()
}

// row is a line of the plan.
type row struct{ label, text string }

// planScreen says what a setup will do.
func planScreen(s setup.Setup, table *flow.Table) (rows []row) {
	add := func(label, format string, args ...any) { rows = append(rows, row{label, fmt.Sprintf(format, args...)}) }
	for i, r := range s.Config.Routes {
		if i == maxRoutesPlanned && len(s.Config.Routes) > i+1 {
			add("Routes", "and %d more", len(s.Config.Routes)-i)
			break
		}
		h, whose := r.Hops[0], ""
		if i > 0 {
			whose = " for " + strings.Join(r.Senders[:min(len(r.Senders), 3)], ", ")
		}
		if n := len(r.Hops) - 1; n > 0 {
			whose += ", with " + plural.Of(n, "fallback")
		}
		host, port := h.Shown()
		add("Relay", "%s port %d, %s%s", host, port, trustOf(h), whose)
		if i == 0 {
			add("Account", "%s", account(h))
		}
	}
	add("Sender", "%s; %s", s.Config.From(), rewritten(s))
	if s.NoProof {
		add("Test", "no message (--no-verify)")
	} else {
		add("Test", "messages to %s, before and after the change", s.Config.To)
	}
	if table != nil {
		for i, line := range table.Lines() {
			add(map[bool]string{true: "Mail"}[i == 0], "%s", line)
		}
	}
	add("Files", "%s", strings.Join(changedFiles(s.Plan), ", "))
	add("Undo", "%s", postfix.AtInstance("sudo relayhost rollback", s.State.ConfigDir))
	return rows
}

// account names the account of a hop; where user name and password are one token, it is
// a secret.
func account(h config.Hop) string {
	switch {
	case h.ByAPI() && h.API.AWS != nil:
		return cmp.Or(h.API.AWS.AccessKey, "the role of this host, whose keys are not stored")
	case h.ByAPI() && !h.APITakesTokens():
		return "its API key (not shown)"
	case h.Username == "":
		return "none (no login)"
	case h.Username == h.Password.Reveal():
		return "the token (not shown)"
	}
	return h.Username
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
func rewritten(s setup.Setup) string {
	switch plan.Rewritten(s.State, s.Plan, s.Config.From()) {
	case plan.RewriteEvery:
		return "EVERY sender on this server becomes this address"
	case plan.RewriteOwn:
		return "the server's own accounts (root, www-data, cron) send as this address"
	default:
		return "other senders on this server keep their address"
	}
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

// promise says what stands between the consent and the change. keep says that a failed
// proof undoes nothing.
func promise(s setup.Setup, keep bool) string {
	const tested = "Nothing is changed before the relay has accepted a test message; "
	switch {
	case s.NoProof:
		return "No test message is sent."
	case keep:
		return tested + "the new configuration stays also where a second one fails after the change (--keep-on-failure)."
	}
	return tested + "on failure everything is restored."
}

// applyThis asks for consent; "d" shows the whole difference.
func applyThis(ctx context.Context, t Terminal, p ui.Prompter, s setup.Setup) (bool, error) {
	t.IO.Tell("", "%s d shows every line that changes.", promise(s, t.Keep))
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
		t.IO.Page(ctx, diff.Plan(s.Plan, diff.Style{Color: t.IO.Color}))
	}
}

// RollBack asks whether changes, the last first, are to be undone. A run that prints JSON
// is asked nothing.
func RollBack(ctx context.Context, io *ui.Streams, asJSON bool, changes []apply.Record) error {
	if !io.CanAsk() || asJSON {
		return Missing("the consent", "--yes")
	}
	p, err := ui.NewPrompter(ctx, io)
	if err != nil {
		return err
	}
	yes, err := p.Confirm("Undo " + setup.ToUndo(changes) + ", and reload Postfix?")
	if err == nil && !yes {
		err = ErrDeclined
	}
	return err
}
