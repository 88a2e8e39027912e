package apply

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"relayhost/internal/host"
	"relayhost/internal/plural"
)

// unhold undoes what j has done to messages in the queue. Ids that are not
// in the queue any more, or never were put on hold, are passed over
// (postsuper(1)).
func (x executor) unhold(ctx context.Context, j journal) error {
	if err := x.postsuper(ctx, "-H", j.Held); err != nil {
		return fmt.Errorf("the files are as before, but %s may still be in the hold queue; %s releases it: %w",
			plural.Of(len(j.Held), "message"), strings.Join(host.WithConfig(x.o.configDir(), "postsuper", "-H", "QUEUE_ID"), " "), err)
	}
	return x.postsuper(ctx, "-h", j.Released)
}

// postsuper puts messages on hold ("-h") or releases them ("-H"). The ids go in
// by standard input: a queue may be longer than a command line. Without Postfix
// there is no queue.
func (x executor) postsuper(ctx context.Context, action string, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	args := []string{"postsuper", "-c", x.h.Real(x.o.configDir()), action, "-"}
	out, err := x.h.Run(ctx, host.Command{Args: args, Stdin: []byte(strings.Join(ids, "\n") + "\n")})
	switch {
	case errors.Is(err, host.ErrNoProgram):
		return nil
	case err != nil:
		return err
	case out.Code != 0:
		return fmt.Errorf("postsuper %s: exit code %d: %s", action, out.Code, out.Fault())
	}
	return nil
}
