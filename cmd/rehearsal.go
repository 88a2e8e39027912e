package cmd

import (
	"context"
	"errors"
	"os"

	"relayhost/internal/apply"
	"relayhost/internal/instance"
)

// sweepRehearsal removes the private Postfix of a set-up that was killed during
// its rehearsal: it holds a copy of the password.
func (a *app) sweepRehearsal(ctx context.Context, o apply.Options) error {
	if !instance.Left(&a.host.Reader) {
		return nil
	}
	release, err := apply.Hold(ctx, a.host, o)
	if err != nil {
		return err
	}
	defer release()
	if err := instance.Sweep(a.host); !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil // somebody else's folders; a rehearsal would say so
}
