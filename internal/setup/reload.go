package setup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"relayhost/internal/apply"
	"relayhost/internal/maillog"
	"relayhost/internal/postfix"
	"relayhost/internal/smtpprobe"
)

// How long the log is watched: for the line that says that the reload is done,
// and from then on. What starts on demand only is met by the proof; without one
// there is more time.
const (
	reloadLine   = 3 * time.Second
	settle       = 300 * time.Millisecond
	settleLonger = 2 * time.Second
)

// core are the programs without which no mail moves. All of them read main.cf,
// and those that do not start with ours were fine before.
var core = []string{"master", "qmgr", "trivial-rewrite", "cleanup", "pickup", "bounce", "tlsmgr"}

// ErrDied is a Postfix that does not work with a configuration.
var ErrDied = errors.New("Postfix takes the new configuration and dies of it")

// liveLog is where the live Postfix logs.
type liveLog struct {
	deps    Deps
	state   postfix.State
	private *maillog.Log // of a private Postfix
	kept    *maillog.Log // the log that it keeps for the proof only; nil where another can be read
}

func (l *liveLog) find(ctx context.Context) (*maillog.Log, error) {
	switch {
	case l.private != nil:
		return l.private, nil
	case l.kept != nil:
		return l.kept, nil
	}
	log, err := maillog.Find(ctx, &l.deps.Host.Reader, l.state)
	return &log, err
}

// keep has Postfix keep a log for the proof where no other can be read, as in a
// container without syslog.
func (l *liveLog) keep(ctx context.Context, o *apply.Options, plannedMain []byte) {
	if _, err := maillog.Find(ctx, &l.deps.Host.Reader, l.state); err == nil {
		return
	}
	log, why := apply.KeepLog(o, l.state.SELinux, plannedMain)
	if why != "" {
		l.deps.Report.Warn("%s", why)
		return
	}
	l.kept = &log
}

// watch follows the mail log from before the reload, since "postfix reload" says 0
// whatever becomes of the services. What it returns waits until the reload is done
// and fails when a service has died of it.
func (l *liveLog) watch(ctx context.Context, services []string, noProof bool) (func(context.Context) error, error) {
	unseen := func(context.Context) error { return nil }
	log, err := l.find(ctx)
	if err != nil {
		return unseen, nil //nolint:nilerr // the proof says that no log can be read
	}
	ctx, cancel := context.WithCancel(ctx)
	lines, err := log.Follow(ctx, &l.deps.Host.Reader)
	if err != nil {
		cancel()
		return unseen, nil //nolint:nilerr // as above
	}
	more := settle
	if noProof {
		more = settleLonger
	}
	return func(ctx context.Context) error {
		defer cancel()
		if l.kept == nil {
			return watchReload(ctx, lines, services, reloadLine, more, l.notTaken)
		}
		if !apply.LogBegins(ctx, l.deps.Host, l.deps.ConfigDir, *l.kept) {
			l.kept = nil // the proof says that no log can be read
			return apply.ErrProofLog
		}
		// master(8) does not log its reload there.
		return watchReload(ctx, lines, services, more, more, l.notTaken)
	}, nil
}

// notTaken says what somebody has changed since Postfix was started, and that only
// a restart brings in. That is theirs to do: it ends every connection.
func (l *liveLog) notTaken(name string) {
	l.deps.Report.Note("%s was changed in main.cf, and only a restart brings that in: postfix stop && postfix start", smtpprobe.Sanitize(name))
}

// watchRollback is apply.Options.Watch for a rollback. A Postfix that dies of what
// was there before is told in died, and is no reason not to go back.
func watchRollback(deps Deps, died *error) func(context.Context) (func(context.Context) error, error) {
	return func(ctx context.Context) (func(context.Context) error, error) {
		state, err := postfix.Read(ctx, &deps.Host.Reader, deps.ConfigDir)
		if err != nil || !state.Running {
			return func(context.Context) error { return nil }, nil //nolint:nilerr // nothing to watch, and no reason to stay
		}
		live := liveLog{deps: deps, state: state}
		see, err := live.watch(ctx, nil, false)
		return func(ctx context.Context) error {
			*died = see(ctx)
			return ctx.Err()
		}, err
	}
}

// watchReload reads lines until the reload is done and more has passed, or for
// the limit.
func watchReload(ctx context.Context, lines <-chan maillog.Line, services []string, limit, more time.Duration,
	notTaken func(parameter string)) error {
	end := time.NewTimer(limit)
	defer end.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-end.C:
			return nil
		case line, ok := <-lines:
			if !ok {
				return nil
			}
			if program, ok := line.Throttled(); ok && slices.Contains(core, program) {
				return fmt.Errorf("%w: %s is throttled", ErrDied, program)
			}
			if kind, text := line.Severity(); (kind == "fatal" || kind == "panic") && (isCore(line) || isOurs(line, services)) {
				return fmt.Errorf("%w: %s: %s: %s", ErrDied, line.Tag, kind, smtpprobe.Sanitize(text))
			}
			if _, _, ok := line.Started(); ok {
				end.Reset(more)
			}
			if name, ok := ignored(line); ok {
				notTaken(name)
			}
		}
	}
}

// ignored is the parameter of a line of master(8) that says that a reload does not
// bring in its new value ("ignoring inet_protocols parameter value change").
func ignored(line maillog.Line) (name string, ok bool) {
	if line.Daemon != "master" {
		return "", false
	}
	_, rest, begins := strings.Cut(line.Text, "ignoring ")
	name, _, ends := strings.Cut(rest, " parameter value change")
	return name, begins && ends && !strings.ContainsAny(name, " \t")
}

func isOurs(line maillog.Line, services []string) bool {
	return slices.ContainsFunc(services, func(name string) bool { return strings.Contains(line.Tag, "/"+name+"/") })
}

// isCore leaves services with a name of their own to those who made them.
func isCore(line maillog.Line) bool {
	return slices.Contains(core, line.Daemon) && strings.Count(line.Tag, "/") == 1
}
