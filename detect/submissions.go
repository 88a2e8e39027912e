package detect

import "context"

// Submissions probes the ports of o.Relay from here, as Run does, and nothing
// else.
func Submissions(ctx context.Context, o Options) ([]Submission, error) {
	r := &run{Options: o, resolved: make(chan struct{})}
	r.defaults()
	r.left.Store(connectionsWithRelay)
	s := &survey{run: r, v6: family{ipv6: true}}
	return s.submission(ctx), ctx.Err()
}
