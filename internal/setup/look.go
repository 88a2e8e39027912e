package setup

import (
	"context"
	"sync"

	"relayhost/detect"
	"relayhost/internal/config"
	"relayhost/internal/mailaddr"
	"relayhost/relays"
)

// Look finds out where this host is and what gets out of it, beside the rest of a setup:
// port 25 may be silent for seconds, and a setup by a relay that was named, without
// questions, needs none of it but the ports of that relay. nil looks at nothing.
type Look struct {
	tried chan []detect.Submission
	done  chan struct{}
	once  sync.Once // the ports have been taken out of tried
	ports []detect.Submission
	facts detect.Facts
	err   error
	told  bool
	whole bool // it was waited for, and the plan knows it
}

// LookAround begins a Look; nil where nothing is to be probed, and where the relay of c
// is the one in use: nothing is to be chosen then. SelectPorts probes the ports of that
// relay.
func LookAround(ctx context.Context, deps Deps, d Discovery, c config.Config, req Request) (*Look, error) {
	if req.NoProbe || d.Before.Relay.ID != "" && d.Before.Relay.ID == c.First().Relay.ID && c.First().Relay.ID != relays.SmarthostID {
		return nil, nil
	}
	o, err := detectOptions(deps, d, *c.First())
	if err != nil {
		return nil, err
	}
	l := &Look{tried: make(chan []detect.Submission, 1), done: make(chan struct{})}
	o.Catalog, o.Domain = d.Catalog, mailaddr.Domain(c.From())
	o.Tried = func(list []detect.Submission) { l.tried <- list }
	go func() {
		defer close(l.done)
		l.facts, l.err = detect.Run(ctx, o)
	}()
	return l, nil
}

// Ports waits until the submission ports have been tried, and is what came of that; nil
// where nothing has been found out.
func (l *Look) Ports() *detect.Facts {
	if l == nil {
		return nil
	}
	l.once.Do(func() {
		select {
		case l.ports = <-l.tried:
		case <-l.done:
			l.ports = l.facts.Submission
		}
	})
	return &detect.Facts{Submission: l.ports}
}

// Whole waits for everything, and tells it.
func (l *Look) Whole(report Reporter) (*detect.Facts, error) {
	if l == nil {
		return nil, nil
	}
	<-l.done
	if l.err != nil {
		return nil, l.err
	}
	l.whole = true
	l.Tell(report)
	return &l.facts, nil
}

// Tell tells what has been found out, once, and only if all of it has been by now.
func (l *Look) Tell(report Reporter) {
	if l == nil || l.told {
		return
	}
	select {
	case <-l.done:
	default:
		return
	}
	if l.told = true; l.err != nil {
		return
	}
	if report.Found(l.facts); !l.whole && l.facts.Port25.Verdict == detect.Open {
		report.Unproven("port 25 is open from this host: no relay is needed to send mail")
	}
}
