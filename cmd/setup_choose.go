package cmd

import (
	"context"
	"time"

	"relayhost/detect"
	"relayhost/internal/ui"
	"relayhost/relays"
)

// chooseRelay asks for the service where nothing has named one, the best for
// this host first.
func (s *setup) chooseRelay(ctx context.Context) error {
	if s.answers.Relay.ID != "" {
		s.tellEnds()
		return nil
	}
	s.mentionAdopt()
	p, err := s.ask(ctx, "the relay service", "--relay NAME (relayhost relays lists them)")
	if err != nil {
		return err
	}
	all, err := s.catalog()
	if err != nil {
		return err
	}
	options := s.options(all)
	s.io.Tell("Recommended: ", "%s: %s.", options[0].Text, options[0].Detail)
	name, err := p.Select("Relay service", options)
	if err != nil {
		return err
	}
	if s.answers.Relay, err = s.findRelay(name); err != nil {
		return err
	}
	s.tellEnds()
	return s.readRegion(ctx)
}

// tellEnds says what the relay ends, and how many days are left.
func (s *setup) tellEnds() {
	if notice := s.answers.Relay.Notice(time.Now()); notice != "" {
		s.io.Tell("note: ", "%s", notice)
	}
}

// options are the services in the order of the ranking, with its reasons.
func (s *setup) options(all []relays.Relay) []ui.Option {
	names := map[string]string{}
	for _, r := range all {
		names[r.ID] = r.Name
	}
	if s.facts == nil {
		s.facts = &detect.Facts{}
	}
	ranked := detect.Rank(*s.facts, all)
	best, _ := detect.Best(ranked, all)
	var out []ui.Option
	for _, c := range ranked {
		o := ui.Option{Value: c.Relay, Text: names[c.Relay], Detail: c.Reason}
		if c.Relay == best.Relay {
			out = append([]ui.Option{o}, out...)
			continue
		}
		out = append(out, o)
	}
	return out
}

// readRegion takes the region from the flag, the earlier set-up, or, for SES
// on EC2, the host; else it asks.
func (s *setup) readRegion(ctx context.Context) (err error) {
	r := s.answers.Relay
	region := s.flags.region
	if region == "" && s.before.Relay == r.ID {
		region = s.before.Region
	}
	if region == "" && r.NeedsRegion() {
		if region, err = s.hostRegion(ctx); err != nil {
			return err
		}
	}
	if region == "" {
		if region, err = s.askRegion(ctx); err != nil {
			return err
		}
	}
	s.answers.Region = region
	if s.answers.Host, err = r.Host(region); err != nil {
		return usageError{err, "give --region"}
	}
	s.keepConnection() // the ports are probed by it
	return nil
}

// hostRegion is the region of this host where it is one of the service's own:
// SES in the region of the EC2 instance.
func (s *setup) hostRegion(ctx context.Context) (string, error) {
	if s.facts == nil {
		if s.flags.noProbe {
			return "", nil
		}
		facts, err := detect.Run(ctx, detect.Options{Reader: &s.host.Reader, Resolver: s.resolver, NoProbe: true})
		if err != nil {
			return "", err
		}
		s.facts = &facts
	}
	return detect.Rank(*s.facts, []relays.Relay{s.answers.Relay})[0].Region, nil
}

// tryPorts probes the service's ports from here, unless look has done so.
func (s *setup) tryPorts(ctx context.Context) ([]detect.Submission, error) {
	if s.facts != nil && len(s.facts.Submission) > 0 && s.facts.Submission[0].Relay == s.answers.Relay.ID {
		return s.facts.Submission, nil
	}
	o, err := s.detectOptions()
	if err != nil {
		return nil, err
	}
	return detect.Submissions(ctx, o)
}

// detectOptions are those for the relay that is chosen, if one is.
func (s *setup) detectOptions() (o detect.Options, err error) {
	o = detect.Options{
		Reader: &s.host.Reader, Resolver: s.resolver, HELO: s.state.FQDN,
		Domain:  domainOf(first(s.flags.from, s.before.From)),
		Advance: func(step string) { s.progress("%s", step) },
	}
	if o.Catalog, err = s.catalog(); err != nil {
		return o, err
	}
	if s.answers.Relay.ID != "" {
		s.keepConnection()
		o.Relay, o.Region, o.Host = &s.answers.Relay, s.answers.Region, s.answers.Host
	}
	o.Roots, err = s.roots(s.caFile())
	return o, err
}
