package apply

import (
	"context"
	"errors"
	"fmt"
	"time"

	"relayhost/internal/host"
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

// reload tells Postfix to read its configuration again.
func (t *transaction) reload(ctx context.Context) error {
	t.o.say("reloading Postfix")
	if t.o.Reload != nil {
		return t.o.Reload(ctx)
	}
	running, err := t.running(ctx)
	if err != nil || !running {
		return err
	}
	return t.runCommand(ctx, []string{"postfix", "-c", t.h.Real(t.o.configDir()), "reload"})
}

// running asks whether this Postfix runs. Without Postfix nothing does.
func (t *transaction) running(ctx context.Context) (bool, error) {
	out, err := t.h.Query(ctx, host.PostfixStatus(t.h.Real(t.o.configDir())))
	if errors.Is(err, host.ErrNoProgram) {
		return false, nil
	}
	return err == nil && out.Code == 0, err
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
