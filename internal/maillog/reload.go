//go:build unix

package maillog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"relayhost/internal/smtpprobe"
)

// coreDaemons are the programs without which no mail moves. All of them read main.cf,
// and those that do not start with ours were fine before.
var coreDaemons = []string{"master", "qmgr", "trivial-rewrite", "cleanup", "pickup", "bounce", "tlsmgr"}

// ErrDied is a Postfix that does not work with a configuration.
var ErrDied = errors.New("Postfix takes the new configuration and dies of it")

// WatchReload reads lines until the reload is done and more has passed, or for
// the limit.
func WatchReload(ctx context.Context, lines <-chan Line, services []string, limit, more time.Duration,
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
			if program, ok := line.Throttled(); ok && slices.Contains(coreDaemons, program) {
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
func ignored(line Line) (name string, ok bool) {
	if line.Daemon != "master" {
		return "", false
	}
	_, rest, begins := strings.Cut(line.Text, "ignoring ")
	name, _, ends := strings.Cut(rest, " parameter value change")
	return name, begins && ends && !strings.ContainsAny(name, " \t")
}

func isOurs(line Line, services []string) bool {
	return slices.ContainsFunc(services, func(name string) bool { return strings.Contains(line.Tag, "/"+name+"/") })
}

// isCore leaves services with a name of their own to those who made them.
func isCore(line Line) bool {
	return slices.Contains(coreDaemons, line.Daemon) && strings.Count(line.Tag, "/") == 1
}
