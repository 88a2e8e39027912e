package setup

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"relayhost/detect"
	"relayhost/internal/config"
	"relayhost/internal/plan"
	"relayhost/relays"
)

// Named is the stored Config with what was given over it, and the relay that was
// given, or is stored, as the first hop of the default route. Where neither names
// one, that hop has no relay yet.
func Named(ctx context.Context, deps Deps, d Discovery, req Request, ask Asker) (config.Config, error) {
	name := req.Relay
	if name == "" && req.Smarthost == "" {
		name = d.Stored.First().Name()
	}
	if req.Smarthost == "" && name == "" {
		return d.Stored.Merge(d.Before, d.Before, req.Given), nil
	}
	h, err := hopOf(ctx, d, req, name, ask)
	if err != nil {
		return d.Stored, err
	}
	return chosen(ctx, deps, d, req, ask, h)
}

// Choose asks for the relay where c names none yet.
func Choose(ctx context.Context, deps Deps, d Discovery, c config.Config, req Request, ask Asker) (config.Config, error) {
	tellEnd := func(r relays.Relay) { // and how many days are left
		if notice := r.Notice(time.Now()); notice != "" {
			deps.Report.Note("%s", notice)
		}
	}
	if c.First().Name() != "" {
		if given := d.Credentials.first(*c.First()); !c.First().Bridged() && !given.Application.Proves() { // which log in without the password
			tellEnd(c.First().Relay)
		}
		return c, nil
	}
	if len(c.Routes) > 1 && !ask.Can() {
		return c, UsageError{errors.New("the file has routes for single senders and no relay for all other mail, which goes out directly: that cannot be set up"),
			"give the relay of all other mail with --relay, or leave the senders to sender_dependent_relayhost_maps, where they are"}
	}
	id, err := ask.Relay(ctx, d)
	if err != nil {
		return c, err
	}
	h, err := hopOf(ctx, d, req, id, ask)
	if err != nil {
		return c, err
	}
	if !config.TakesTokens(h.Relay) { // else the question how to log in tells it
		tellEnd(h.Relay)
	}
	return chosen(ctx, deps, d, req, ask, h)
}

// hopOf is a hop by the relay of that name; a smarthost has its host and port.
func hopOf(ctx context.Context, d Discovery, req Request, name string, ask Asker) (h config.Hop, err error) {
	if req.Smarthost != "" || name == relays.SmarthostID {
		return smarthost(ctx, d, req, ask)
	}
	if h.Relay, err = d.Find(name); err != nil {
		return h, UsageError{err, "relayhost relays lists the services"}
	}
	if isFile(name) {
		h.RelayFile, err = filepath.Abs(name)
	}
	return h, err
}

// chosen finds region and host of h and makes it the first hop.
func chosen(ctx context.Context, deps Deps, d Discovery, req Request, ask Asker, h config.Hop) (c config.Config, err error) {
	same := d.Before.Relay.ID == h.Relay.ID
	h.Region = req.Region
	host := ""
	if h.Region == "" && same {
		h.Region, host = d.Before.Region, d.Stored.First().Host // as the file names it
	}
	if h.Region == "" && host == "" && h.Relay.NeedsRegion() {
		if h.Region, err = regionOfHost(ctx, deps, d, req, h.Relay); err != nil {
			return d.Stored, err
		}
	}
	if h.Region == "" && !same {
		if h.Region, err = ask.Region(ctx, d, h.Relay); err != nil {
			return d.Stored, err
		}
	}
	if h.Relay.ID != relays.SmarthostID {
		if h.Host, err = h.Relay.Host(first(h.Region, host)); err != nil {
			return d.Stored, UsageError{err, "give --region"}
		}
	}
	if _, ok := h.Relay.TLSOf(req.Port); req.Port != 0 && !ok {
		return d.Stored, UsageError{fmt.Errorf("%s has no port %d", h.Relay.Name, req.Port), "its ports are " + config.PortList(h.Relay)}
	}
	return d.Stored.Merge(h, d.Before, req.Given).Resolve(d.Find, plan.NextHops(d.State))
}

// regionOfHost is the region of this host where it is one of the relay's own: SES
// in the region of the EC2 instance.
func regionOfHost(ctx context.Context, deps Deps, d Discovery, req Request, r relays.Relay) (string, error) {
	facts := d.Facts
	if facts == nil {
		if req.NoProbe {
			return "", nil
		}
		found, err := detect.Run(ctx, detect.Options{Reader: &deps.Host.Reader, Resolver: d.Resolver, NoProbe: true})
		if err != nil {
			return "", err
		}
		facts = &found
	}
	return detect.Rank(*facts, []relays.Relay{r})[0].Region, nil
}
