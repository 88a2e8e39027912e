package verify

import (
	"context"
	"fmt"
	"strings"
	"sync"
)

// maxDeliveries is how many test messages one run sends at most: they cost money
// and reputation.
const maxDeliveries = 100

// namedAtMost is how many routes are named where many are meant.
const namedAtMost = 5

// prove goes through the routes, some at once, each with what it needs of the
// network.
func (r *run) prove(ctx context.Context, checks []*routeCheck) {
	var sending map[*routeCheck]bool
	if !r.NoSend {
		sending = chosen(checks)
	}
	if !r.several() {
		checks[0].all(ctx, !r.NoSend)
		return
	}
	places := make(chan struct{}, maxConnections)
	var wait sync.WaitGroup
	var late, unsent []string
	for _, t := range checks {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			late = append(late, t.route.Name)
			t.release()
			continue
		}
		if !r.NoSend && !sending[t] {
			unsent = append(unsent, t.route.Name)
		}
		wait.Go(func() {
			defer func() { <-places }()
			t.all(ctx, sending[t])
		})
	}
	wait.Wait()
	if len(late) > 0 {
		r.found(Finding{Check: "delivery", Result: Warn, Cause: "not_reached", Detail: "the time was up before these routes were looked at: " + some(late),
			Remedy: "Give more time, or prove them one by one.", Command: "relayhost verify --route " + late[0]})
	}
	if len(unsent) > 0 {
		r.found(Finding{Check: "delivery", Result: Skip,
			Detail: fmt.Sprintf("%d messages are sent at most; without one were %s; relayhost verify --route NAME sends one", maxDeliveries, some(unsent))})
	}
}

// all makes the checks of one route that need the network.
func (t *routeCheck) all(ctx context.Context, send bool) {
	if t.several() {
		defer t.release()
	}
	t.postfixFirst = send && t.Accepted && !t.several() && !t.refusedLately()
	var wait sync.WaitGroup
	wait.Go(func() { t.checkHops(ctx) })
	wait.Go(func() { clocked(ctx, t.domain, t.found) })
	if send {
		wait.Go(func() {
			defer close(t.delivered)
			clocked(ctx, t.delivery, t.found)
		})
	}
	wait.Wait()
}

// chosen are the routes that a message goes by: where there are too many,
// one of each service first.
func chosen(checks []*routeCheck) map[*routeCheck]bool {
	chosen := map[*routeCheck]bool{}
	services := map[string]bool{}
	for _, t := range checks {
		if !services[t.route.Service] && len(chosen) < maxDeliveries {
			services[t.route.Service], chosen[t] = true, true
		}
	}
	for _, t := range checks {
		if len(chosen) < maxDeliveries {
			chosen[t] = true
		}
	}
	return chosen
}

// some names the first of many.
func some(names []string) string {
	if len(names) <= namedAtMost {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d others", strings.Join(names[:namedAtMost], ", "), len(names)-namedAtMost)
}
