package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"relayhost/internal/evidence"
	"relayhost/internal/explain"
	"relayhost/internal/ui"
)

type explainFlags struct {
	relay  string
	follow bool
	noHost bool
	since  time.Duration
}

func newExplainCmd(a *app) *cobra.Command {
	var f explainFlags
	cmd := &cobra.Command{
		Use:   "explain [TEXT]",
		Short: "Explain a log line, a reply or an error message",
		Long: `explain says what a text about failed mail means, which command fixes it, and
whether the mail is delayed or lost. The text is a line of Postfix's log in any
format, a reply of a relay, a bounce, or the error message of another program.
It is read from the arguments, from standard input, or, without either, from the
mail log and the queue of this host. Causes that can be checked on this host are
checked, unless the text comes from another host or --no-host is given.` + exitHelp(meaning{exitUnknown, "nothing in the text is known"}),
		Example: `  # Explain one reply of a relay
  relayhost explain --relay ses "454 Throttling failure"
  # Explain this server's mail log and queue
  sudo relayhost explain
  # Explain the log of another host
  relayhost explain --no-host < mail.log`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runExplain(cmd.Context(), f, args)
		},
	}
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage(err, flagHint(cmd, err)+"; a text that begins with - goes behind --")
	})
	fs := cmd.Flags()
	fs.StringVar(&f.relay, "relay", "", "relay that the text comes from (default: found by the text's own words and host names)")
	fs.BoolVar(&f.follow, "follow", false, "explain what is logged from now on, until interrupted")
	fs.BoolVar(&f.noHost, "no-host", false, "do not check causes on this host; the text comes from another one")
	fs.DurationVar(&f.since, "since", 0, "skip lines that are older, e.g. 2h")
	return cmd
}

func (a *app) runExplain(ctx context.Context, f explainFlags, args []string) error {
	debug.SetGCPercent(200) // a log is all garbage: what is kept of it is small
	c := &explain.Collector{ConfigDir: a.configDir}
	if f.relay != "" {
		r, err := findRelay(f.relay)
		if err != nil {
			return usage(err, "relayhost relays lists the relays")
		}
		c.Relay = &r
	}
	text := strings.TrimSpace(strings.Join(args, " "))
	switch {
	case f.since < 0:
		return usage(fmt.Errorf("--since %s is in the future", f.since), "give a duration such as 2h")
	case f.follow && len(args) > 0:
		return usage(errors.New("--follow reads the mail log, and takes no text"), "leave one of them out")
	case len(args) > 0 && text == "":
		return usage(errors.New("the text is empty"), "give a reply or a log line")
	case f.since > 0:
		c.Since = time.Now().Add(-f.since)
	}
	switch {
	case f.follow:
		return a.explainFollow(ctx, c)
	case len(args) > 0:
		c.AddText(text)
		a.check(ctx, f, c)
	case !ui.IsTerminal(a.io.In) && !isNull(a.io.In):
		err := c.Read(ctx, a.io.InUntil(ctx))
		if ctx.Err() != nil || err != nil && c.Lines == 0 {
			return err
		}
		if c.Lines > 0 { // those before an error are worth showing, too
			a.check(ctx, f, c)
			return errors.Join(a.showGroups(c), err)
		}
		// ssh(1) and Ansible give commands an empty standard input.
		a.io.Say("nothing on standard input: reading the log and the queue of this host")
		if err := a.evidence().Collect(ctx, c); err != nil {
			return err
		}
	default:
		if err := a.evidence().Collect(ctx, c); err != nil {
			return err
		}
	}
	return a.showGroups(c)
}

// evidence is what this host holds.
func (a *app) evidence() evidence.Host {
	warn := func(format string, args ...any) { a.io.Say("warning: "+format, args...) }
	return evidence.Host{Reader: &a.host.Reader, ConfigDir: a.configDir, Limit: a.timeout, Warn: warn}
}

// check looks at this host unless the text is said to be of another.
func (a *app) check(ctx context.Context, f explainFlags, c *explain.Collector) {
	if !f.noHost {
		a.evidence().Check(ctx, c)
	}
}

// isNull reports whether standard input is /dev/null, as under cron: the host's
// own log is meant then.
func isNull(r io.Reader) bool {
	f, ok := r.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// explainFollow explains each line as it is logged.
func (a *app) explainFollow(ctx context.Context, c *explain.Collector) error {
	lines, log, err := a.evidence().Follow(ctx, c)
	if err != nil {
		return err
	}
	for line := range lines {
		causes := c.At(c.AddLine(line))
		if len(causes) == 0 {
			continue
		}
		text := explain.Redacted(line.QueueID + " " + line.Text)
		if a.json {
			if err := a.printJSON(explain.Document{Version: 1, Lines: 1, Groups: []explain.Group{{Cause: causes[0], Others: causes[1:], Count: 1, Example: text}}}); err != nil {
				return err
			}
			continue
		}
		showCause(a.io, explain.Group{Cause: causes[0], Others: causes[1:], Count: 1, Example: text})
		if err := a.io.Lost(); err != nil {
			return err
		}
	}
	if ctx.Err() == nil {
		return fmt.Errorf("%s cannot be followed any longer", log)
	}
	return nil
}

// errUnknown makes exit code 5: nothing in the text is known.
const errUnknown = codeError(exitUnknown)

func (a *app) showGroups(c *explain.Collector) error {
	doc, known := c.Document()
	if a.json {
		if err := a.printJSON(doc); err != nil || known {
			return err
		}
		return errUnknown
	}
	for _, g := range doc.Groups {
		showCause(a.io, g)
	}
	if !known {
		fmt.Fprint(a.io.Out, ui.Wrap("What would help: the three lines before this one, and --relay NAME where a relay said it. "+
			"If it stays unknown, please report it with this text; names and addresses are masked:", "", "", a.io.Width()))
		fmt.Fprintf(a.io.Out, "\n%s\n", doc.Report)
		return errUnknown
	}
	if rest := c.Rest(len(doc.Groups)); rest != "" {
		fmt.Fprintln(a.io.Out, rest)
	}
	return nil
}

// showCause prints one group.
func showCause(io *ui.Streams, g explain.Group) {
	fmt.Fprintln(io.Out, g.Heading())
	for _, item := range g.Items() {
		label := fmt.Sprintf("  %-9s", item.Label+":")
		if item.Whole {
			fmt.Fprintln(io.Out, label+item.Text)
			continue
		}
		fmt.Fprint(io.Out, ui.Wrap(item.Text, label, strings.Repeat(" ", len(label)), io.Width()))
	}
	fmt.Fprintln(io.Out)
}
