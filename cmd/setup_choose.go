package cmd

import (
	"context"
	"fmt"

	"relayhost/detect"
	"relayhost/internal/ui"
	"relayhost/relays"
)

// chooseRelay asks for the service where nothing has named one, the best for
// this host first.
func (s *setup) chooseRelay(ctx context.Context) error {
	if s.answers.Relay.ID != "" {
		return nil
	}
	p, err := s.ask(ctx, "the relay service", "--relay NAME (relayhost relays lists them)")
	if err != nil {
		return err
	}
	all, err := s.catalog()
	if err != nil {
		return err
	}
	options := s.options(all)
	s.io.Say("recommended here: %s", options[0].Text)
	name, err := p.Select("Relay service", options)
	if err != nil {
		return err
	}
	if s.answers.Relay, err = s.findRelay(name); err != nil {
		return err
	}
	if ends := s.answers.Relay.Ends; ends != nil {
		s.io.Say("note: %s", ends.Text)
	}
	return s.readRegion(ctx)
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
	var out []ui.Option
	for _, c := range detect.Rank(*s.facts, all) {
		text := names[c.Relay]
		if c.Port != 0 {
			text = fmt.Sprintf("%s, port %d", text, c.Port)
		}
		out = append(out, ui.Option{Value: c.Relay, Text: text + ": " + c.Reason})
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
	if region == "" && r.NeedsRegion() && s.io.CanAsk() && !s.flags.yes && !s.json {
		p, err := s.ask(ctx, "the region", "--region")
		if err != nil {
			return err
		}
		if region, err = p.Input("Region of "+r.Name, r.Hosts.Example, func(v string) error {
			_, err := r.Host(v)
			return err
		}); err != nil {
			return err
		}
	}
	s.answers.Region = region
	if s.answers.Host, err = r.Host(region); err != nil {
		return usageError{err, "give --region"}
	}
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
		Advance: func(step string) { s.progress("%s", step) },
	}
	if o.Catalog, err = s.catalog(); err != nil {
		return o, err
	}
	if s.answers.Relay.ID != "" {
		o.Relay, o.Region, o.Host = &s.answers.Relay, s.answers.Region, s.answers.Host
	}
	o.Roots, err = s.roots(s.caFile())
	return o, err
}
