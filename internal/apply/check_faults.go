package apply

import (
	"context"
	"fmt"
	"slices"

	"relayhost/internal/lint"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

// judge has our own validator look at the staged configuration, together with
// the tables as they will be: postconf(1) and "postfix check" pass levels that
// do not exist, maps that do not open and a route that misses the relay.
func (s *stage) judge(ctx context.Context, p plan.Plan) error {
	if p.Default().Service == "" {
		return nil // without a relay there is nothing to hold it against
	}
	r := &s.h.Reader
	state, err := postfix.ReadStaged(ctx, r, s.dir, s.o.configDir())
	if err != nil {
		return fmt.Errorf("read the new configuration: %w", err)
	}
	staged := postfix.Staged{State: state}
	for _, w := range p.Routes {
		staged.Meant = append(staged.Meant, w.Staged())
	}
	for _, f := range p.Files {
		if f.Action == plan.Remove {
			delete(staged.State.Maps, f.Path)
			continue
		}
		staged.State.Maps[f.Path] = f.After
		if f.Action != plan.Unchanged {
			staged.Pending = append(staged.Pending, f.Path)
		}
	}
	found, err := postfix.Validate(ctx, r, staged)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(found, func(f lint.Finding) bool { return f.Severity == lint.Error }) {
		return &Unfit{found}
	}
	return nil
}
