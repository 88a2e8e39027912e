package detect

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"time"
)

// metadataReader reads one provider's service: v4 and v6 are the endpoints that
// its documentation names, v6 "" where there is none. A v6 that is link-local
// is asked on interfaces of this host.
type metadataReader struct {
	v4, v6 string
	read   func(context.Context, *metadataClient) (instance, error)
	many   bool            // wants several values: a second connection saves round trips
	nics   func() []string // interfaces for a link-local v6; nil: linkLocalZones
}

// effort is what may be spent on asking.
type effort struct {
	connections int32 // in all
	zones       int   // interfaces on which a link-local address is asked
	second      bool  // a second connection for a service that is asked for several values
}

// Identity alone is what the time of the metadata counts for. Beside the probes,
// which take longer, it leaves the run's connections to them.
var (
	alone         = effort{connections: 6, zones: 4, second: true}
	besideProbing = effort{connections: 3, zones: 1}
)

func effortOf(noProbe bool) effort {
	if noProbe {
		return alone
	}
	return besideProbing
}

func (r metadataReader) linkLocal() bool {
	at, err := url.Parse(r.v6)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(at.Hostname())
	return err == nil && addr.IsLinkLocalUnicast()
}

// ask reads the service: IPv6 joins when IPv4 has been silent for the stagger,
// or as soon as it has failed; the first that proves itself wins. dialled
// counts connections.
func (r metadataReader) ask(ctx context.Context, e effort) (found instance, dialled int32, err error) {
	ctx, cancel := context.WithTimeout(ctx, metadataTotal)
	defer cancel()
	race := metadataRace{metadataReader: r, effort: e, outcomes: make(chan outcome, 1+e.zones), alive: make(chan struct{}, 1)}
	race.dialled.most = e.connections
	found, err = race.run(ctx, cancel)
	return found, race.dialled.made.Load(), err
}

type metadataRace struct {
	metadataReader
	effort
	dialled  allowance
	outcomes chan outcome
	alive    chan struct{} // IPv4 has said something
	pending  int
	joined   bool // IPv6 has
}

type outcome struct {
	found instance
	err   error
}

func (r *metadataRace) run(ctx context.Context, cancel func()) (instance, error) {
	stagger := time.NewTimer(metadataStagger)
	defer stagger.Stop()
	r.start(ctx, newMetadataClient(r.v4, "", r.many && r.second, &r.dialled, func() {
		select {
		case r.alive <- struct{}{}:
		default:
		}
	}))
	var first error
	for {
		select {
		case o := <-r.outcomes:
			r.pending--
			if o.err == nil {
				cancel()
				for ; r.pending > 0; r.pending-- { // no goroutine outlives the command
					<-r.outcomes
				}
				return o.found, nil
			}
			if first == nil {
				first = o.err
			}
			r.join(ctx)
			if r.pending == 0 {
				return instance{}, first
			}
		case <-r.alive:
			stagger.Reset(metadataStagger)
		case <-stagger.C:
			r.join(ctx)
		}
	}
}

func (r *metadataRace) start(ctx context.Context, c *metadataClient) {
	r.pending++
	go func() {
		defer c.close()
		found, err := r.read(ctx, c)
		r.outcomes <- outcome{found.clean(), err}
	}()
}

// join lets IPv6 in, once.
func (r *metadataRace) join(ctx context.Context) {
	if r.joined || r.v6 == "" {
		return
	}
	r.joined = true
	zones := []string{""}
	if r.nics != nil {
		zones = r.nics()
	} else if r.linkLocal() {
		zones = linkLocalZones()
	}
	for _, zone := range zones[:min(len(zones), r.effort.zones)] {
		r.start(ctx, newMetadataClient(r.v6, zone, false, &r.dialled, func() {}))
	}
}

// linkLocalZones names the interfaces on which a link-local service may be:
// up, with a link-local address of their own, those that lead to the internet
// first. Bridges and tunnels of containers come after the real ones.
func linkLocalZones() []string {
	list, err := net.Interfaces()
	if err != nil {
		return nil
	}
	leading := map[netip.Addr]bool{}
	for _, literal := range LiteralControls {
		if addr, ok := source(netip.MustParseAddr(literal)); ok {
			leading[addr] = true
		}
	}
	type zone struct {
		name string
		rank int
	}
	var zones []zone
	for i, nic := range list { // in the order of the kernel: real ones first
		if nic.Flags&net.FlagUp == 0 || nic.Flags&net.FlagRunning == 0 || nic.Flags&net.FlagLoopback != 0 {
			continue
		}
		addrs, _ := nic.Addrs()
		usable, rank := false, len(list)+i
		for _, a := range addrs {
			prefix, err := netip.ParsePrefix(a.String())
			if err != nil {
				continue
			}
			addr := prefix.Addr().Unmap()
			usable = usable || addr.Is6() && addr.IsLinkLocalUnicast()
			if leading[addr] {
				rank = i
			}
		}
		if usable {
			zones = append(zones, zone{nic.Name, rank})
		}
	}
	slices.SortFunc(zones, func(a, b zone) int { return cmp.Compare(a.rank, b.rank) })
	names := make([]string, len(zones))
	for i, z := range zones {
		names[i] = z.name
	}
	return names
}
