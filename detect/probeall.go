package detect

import (
	"context"
	"sync"

	"relayhost/relays"
)

// relaysAtOnce bounds the relays whose ports are probed at the same time.
const relaysAtOnce = 16

// ProbeAll probes the ports of each relay of a list from here, up to verified TLS and
// the offer of a login, and gives those that work, by the relay's ID. A relay with
// regions is probed at the region of its example. o.Relay and what narrows it down are
// not looked at.
func ProbeAll(ctx context.Context, o Options, list []relays.Relay) (map[string][]int, error) {
	open := make(map[string][]int, len(list))
	var mu sync.Mutex
	var group sync.WaitGroup
	places := make(chan struct{}, relaysAtOnce)
	for i := range list {
		r := &list[i]
		one := o
		one.Relay, one.Region, one.Host, one.Ports = r, "", "", nil
		if r.NeedsRegion() {
			one.Region = r.Hosts.Example
		}
		places <- struct{}{}
		group.Go(func() {
			defer func() { <-places }()
			tried, err := Submissions(ctx, one)
			if err != nil {
				return // of ctx, which is looked at below
			}
			mu.Lock()
			defer mu.Unlock()
			for _, t := range tried {
				if t.Result == string(Open) {
					open[r.ID] = append(open[r.ID], t.Port)
				}
			}
		})
	}
	group.Wait()
	return open, ctx.Err()
}
