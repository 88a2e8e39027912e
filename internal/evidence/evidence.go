// Package evidence hands internal/explain what this host holds about mail that
// failed: the mail log, the queue and Postfix's configuration. It changes nothing and
// prints nothing.
package evidence

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"relayhost/internal/explain"
	"relayhost/internal/host"
	"relayhost/internal/lint"
	"relayhost/internal/maillog"
	"relayhost/internal/postfix"
	"relayhost/internal/setup"
	"relayhost/internal/smtpprobe"
)

// journalWindow is how much of the journal is read where the Collector names no time.
const journalWindow = 24 * time.Hour

// Host is where to look.
type Host struct {
	*host.Reader
	ConfigDir string        // "" is what postconf config_directory says
	Limit     time.Duration // for reading the log
	// Warn is told what could not be read while something else could.
	Warn func(format string, args ...any)
}

// Check looks at this host where the text in c can be of it, so that causes are
// confirmed or withdrawn. Without a Postfix there is nothing to look at.
func (h Host) Check(ctx context.Context, c *explain.Collector) {
	if !c.Of(name()) {
		return
	}
	state, err := postfix.Read(ctx, h.Reader, h.ConfigDir)
	if err == nil && state.Installed {
		h.look(ctx, c, state)
	}
}

// look has the signs and faults of the files of this host.
func (h Host) look(ctx context.Context, c *explain.Collector, state postfix.State) {
	defaults, _ := postfix.Defaults(ctx, h.Reader) // else postconf(1) does not answer, and the log has the reason
	c.ConfigDir, c.Signs, c.Faults = state.ConfigDir, explain.Look(state, h.from()), state.Lint(postfix.Exists(h.Reader), defaults)
}

// here are what Postfix would die of or defer all mail for, as its files show, and that it
// does not run, which may come of them. unusable says that its configuration could not be
// read: whether it runs is not known then, since that does not say where to look.
func (h Host) here(ctx context.Context, faults []lint.Finding, state postfix.State, unusable bool) (causes []explain.Cause) {
	known := func(id, command string) {
		if c, ok := explain.ByID(id); ok {
			c.Confirmed, c.Command = true, cmp.Or(command, c.Command)
			causes = append(causes, c)
		}
	}
	if !state.Running && !unusable {
		defer known("postfix_down", postfix.ByHand(ctx, h.Reader, state.ConfigDir, "start"))
	}
	if h.Full(state.Params["queue_directory"]) {
		known("disk_full", "")
	}
	for _, f := range faults {
		if c, ok := explain.ByID(f.Rule); ok && f.Rule == "mastercf_syntax" {
			c.Title, c.Meaning, c.Remedy, c.Command, c.Confirmed = f.Detail, "Nothing that this service does works, and postfix check does not notice.", f.Remedy, "grep -n -e '-o' "+f.File, true
			causes = append(causes, c)
		}
	}
	for _, f := range faults {
		if f.Stops() {
			causes = append(causes, explain.Cause{ID: f.Rule, Title: f.Detail, Meaning: f.Detail, Remedy: f.Remedy, Command: f.Command,
				Phase: "config", Outcome: "stuck", Retry: "fix", Scope: "host", Confirmed: true})
		}
	}
	return causes
}

// from is the address that this host was set up to send from, "" where none is known.
func (h Host) from() string {
	c, err := setup.Stored(h.Reader)
	if err != nil {
		return ""
	}
	return c.From()
}

// name is that of this host, without its domain.
func name() string {
	name, _ := os.Hostname()
	name, _, _ = strings.Cut(name, ".")
	return name
}

// Collect reads the mail log and the queue of this host into c.
func (h Host) Collect(ctx context.Context, c *explain.Collector) error {
	state, err := postfix.Read(ctx, h.Reader, h.ConfigDir)
	var unusable *postfix.ConfigError
	if err != nil && !errors.As(err, &unusable) || errors.Is(err, fs.ErrNotExist) && h.ConfigDir != "" { // a mistyped directory
		return err
	}
	if !state.Installed {
		return setup.Hint(setup.ErrNoPostfix, "give the text as an argument, or a log on standard input")
	}
	h.look(ctx, c, state)
	c.Here = h.here(ctx, c.Faults, state, unusable != nil)
	var unread error
	log, err := maillog.Find(ctx, h.Reader, state)
	if err == nil {
		err = h.readLog(ctx, c, log)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded): // what was read is worth showing
		h.Warn("%s was read for %s and no further: give a longer --timeout, or with the journal a shorter --since", log, h.Limit)
	case err != nil:
		unread = fmt.Errorf("the mail log cannot be read: %w", err)
	}
	queued, err := postfix.ReadQueue(ctx, h.Reader, h.ConfigDir)
	if err != nil {
		h.Warn("the queue cannot be read: %v", err)
	}
	for _, m := range queued {
		c.AddQueued(m)
	}
	switch {
	case unread == nil:
	case c.Problems+len(c.Here) == 0: // and nothing is known of the host
		return setup.Hint(unread, "run it as root, or give a log on standard input; nothing in the queue tells of a problem")
	default:
		h.Warn("%v", unread)
	}
	return nil
}

// readLog reads the log for at most h.Limit.
func (h Host) readLog(ctx context.Context, c *explain.Collector, log maillog.Log) error {
	ctx, cancel := context.WithTimeout(ctx, h.Limit)
	defer cancel()
	if log.Journal {
		since := c.Since
		if since.IsZero() {
			since = time.Now().Add(-journalWindow)
		}
		out, err := h.Stream(ctx, host.Journal(since, maillog.MailFacility), func(line []byte) error {
			c.Add(line)
			return nil
		})
		c.End()
		if err == nil && out.Code != 0 { // for want of permission
			err = fmt.Errorf("journalctl: exit status %d: %s", out.Code, smtpprobe.Sanitize(strings.TrimSpace(string(out.Stderr))))
		}
		return err
	}
	f, err := os.Open(h.Real(log.File))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return c.Read(ctx, bufio.NewReader(f))
}

// Follow returns what is logged from now on. The channel ends with ctx, or where the
// log cannot be followed any longer.
func (h Host) Follow(ctx context.Context, c *explain.Collector) (<-chan maillog.Line, maillog.Log, error) {
	state, err := postfix.Read(ctx, h.Reader, h.ConfigDir)
	if err != nil {
		return nil, maillog.Log{}, err
	}
	c.ConfigDir, c.Signs = state.ConfigDir, explain.Look(state, h.from())
	log, err := maillog.Find(ctx, h.Reader, state)
	if err != nil {
		return nil, log, err
	}
	lines, err := log.Follow(ctx, h.Reader)
	return lines, log, err
}
