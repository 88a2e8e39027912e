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
func mtime(s state) time.Time {
	if !s.Mtime.IsZero() {
		return s.Mtime
	}
	return time.Now().Add(-quiet)
}

// reload tells Postfix to read its configuration again. An undoing does not start
// what did not run before.
func (x executor) reload(ctx context.Context) error {
	x.o.say("reloading Postfix")
	aloud, err := x.quieten()
	if err != nil {
		return err
	}
	err = x.tell(ctx)
	if err == nil && aloud != nil {
		err = x.control().Settle(ctx)
	}
	if aloud != nil {
		err = errors.Join(err, aloud())
	}
	return err
}

func (x executor) tell(ctx context.Context) error {
	switch {
	case x.undoing && x.o.ReloadBack != nil:
		return x.o.ReloadBack(ctx)
	case x.o.Reload != nil:
		return x.o.Reload(ctx)
	}
	return x.control().ReloadIfRunning(ctx)
}

func (x executor) control() postfix.Control {
	return postfix.Control{Host: x.h, ConfigDir: x.h.Real(x.o.configDir())}
}

// running asks whether this Postfix runs. Without Postfix nothing does.
func (x executor) running(ctx context.Context) (bool, error) {
	on, err := x.control().Running(ctx)
	if errors.Is(err, host.ErrNoProgram) {
		return false, nil
	}
	return on, err
}

// runCommand runs a child and takes any exit code but 0 as a failure. What it
// printed is not repeated: postmap(1) prints the lines that it dislikes.
func runCommand(ctx context.Context, h *host.Host, args []string) error {
	out, err := h.Run(ctx, host.Command{Args: args})
	if err != nil {
		return err
	}
	if out.Code != 0 {
		return fmt.Errorf("%s: exit code %d", args[0], out.Code)
	}
	return nil
}
