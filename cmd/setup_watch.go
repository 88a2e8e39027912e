package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"relayhost/internal/apply"
	"relayhost/internal/maillog"
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

var errDied = errors.New("Postfix takes the new configuration and dies of it")

// watchLog follows the mail log from before the reload, since "postfix reload"
// says 0 whatever becomes of the services. What it returns waits until the
// reload is done and fails when a service has died of it.
func (s *setup) watchLog(ctx context.Context) (func(context.Context) error, error) {
	unseen := func(context.Context) error { return nil }
	log, err := s.liveLog(ctx)
	if err != nil {
		return unseen, nil //nolint:nilerr // the proof says that no log can be read
	}
	ctx, cancel := context.WithCancel(ctx)
	lines, err := log.Follow(ctx, &s.host.Reader)
	if err != nil {
		cancel()
		return unseen, nil //nolint:nilerr // as above
	}
	more := settle
	if s.flags.noVerify {
		more = settleLonger
	}
	return func(ctx context.Context) error {
		defer cancel()
		if s.trial == nil {
			return watchReload(ctx, lines, s.services(), reloadLine, more, s.notTaken)
		}
		if !s.trialBegins(ctx) {
			s.trial = nil // the proof says that no log can be read
			return apply.ErrTrialLog
		}
		// master(8) does not log its reload there.
		return watchReload(ctx, lines, s.services(), more, more, s.notTaken)
	}, nil
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
				return fmt.Errorf("%w: %s is throttled", errDied, program)
			}
			if kind, text := line.Severity(); (kind == "fatal" || kind == "panic") && (isCore(line) || isOurs(line, services)) {
				return fmt.Errorf("%w: %s: %s: %s", errDied, line.Tag, kind, smtpprobe.Sanitize(text))
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

// notTaken says what somebody has changed since Postfix was started, and that only
// a restart brings in. That is theirs to do: it ends every connection.
func (s *setup) notTaken(name string) {
	s.io.Tell("note: ", "%s was changed in main.cf, and only a restart brings that in: postfix stop && postfix start",
		smtpprobe.Sanitize(name))
}

// services are the entries of master.cf that the plan sends by.
func (s *setup) services() []string {
	list := []string{s.plan.Service}
	for _, w := range s.plan.Routes {
		if !slices.Contains(list, w.Service) {
			list = append(list, w.Service)
		}
	}
	return list
}

func isOurs(line maillog.Line, services []string) bool {
	return slices.ContainsFunc(services, func(name string) bool { return strings.Contains(line.Tag, "/"+name+"/") })
}

// isCore leaves services with a name of their own to those who made them.
func isCore(line maillog.Line) bool {
	return slices.Contains(core, line.Daemon) && strings.Count(line.Tag, "/") == 1
}

// liveLog is where the server's own Postfix logs.
func (s *setup) liveLog(ctx context.Context) (*maillog.Log, error) {
	switch {
	case s.log != nil:
		return s.log, nil
	case s.trial != nil:
		return s.trial, nil
	}
	log, err := maillog.Find(ctx, &s.host.Reader, s.state)
	return &log, err
}
