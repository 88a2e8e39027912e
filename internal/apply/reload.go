package apply

import (
	"context"
	"errors"
	"fmt"
	"time"

	"relayhost/internal/host"
	"relayhost/internal/postfix"
)

// quiet is how far the time of a written file is set back: programs that find
// main.cf younger than a second sleep until it is older (dict.c, "cool down").
const quiet = 2 * time.Second

// mtime is the time that a written file gets: its own where it had one.
func (t *transaction) mtime(s state) time.Time {
	if !s.Mtime.IsZero() {
		return s.Mtime
	}
	return time.Now().Add(-quiet)
}

// reload tells Postfix to read its configuration again. An undoing does not start
// what did not run before.
func (t *transaction) reload(ctx context.Context) error {
	t.o.say("reloading Postfix")
	aloud, err := t.quieten()
	if err != nil {
		return err
	}
	err = t.tell(ctx)
	if err == nil && aloud != nil {
		err = t.control().Settle(ctx)
	}
	if aloud != nil {
		err = errors.Join(err, aloud())
	}
	return err
}

func (t *transaction) tell(ctx context.Context) error {
	switch {
	case t.undoing && t.o.ReloadBack != nil:
		return t.o.ReloadBack(ctx)
	case t.o.Reload != nil:
		return t.o.Reload(ctx)
	}
	return t.control().ReloadIfRunning(ctx)
}

func (t *transaction) control() postfix.Control {
	return postfix.Control{Host: t.h, ConfigDir: t.h.Real(t.o.configDir())}
}

// running asks whether this Postfix runs. Without Postfix nothing does.
func (t *transaction) running(ctx context.Context) (bool, error) {
	on, err := t.control().Running(ctx)
	if errors.Is(err, host.ErrNoProgram) {
		return false, nil
	}
	return on, err
}

// runCommand runs a child and takes any exit code but 0 as a failure. What it
// printed is not repeated: postmap(1) prints the lines that it dislikes.
func (t *transaction) runCommand(ctx context.Context, args []string) error {
	out, err := t.h.Run(ctx, host.Command{Args: args})
	if err != nil {
		return err
	}
	if out.Code != 0 {
		return fmt.Errorf("%s: exit code %d", args[0], out.Code)
	}
	return nil
}
