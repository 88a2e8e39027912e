package detect

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"relayhost/internal/host"
	"relayhost/internal/resolve"
	"relayhost/internal/smtpprobe"
	"relayhost/relays"
)

// Resolver is the part of DNS that detection needs; *resolve.Resolver is one.
type Resolver interface {
	Addrs(ctx context.Context, name string) (v4, v6 []netip.Addr, err error)
	TXT(ctx context.Context, name string) ([]string, error)
	MX(ctx context.Context, name string) ([]resolve.MX, error)
	PTR(ctx context.Context, addr netip.Addr) ([]string, error)
}

// Options of a run. The zero value probes port 25 of the default targets and
// one submission port each of well-known services.
type Options struct {
	Reader   *host.Reader // nil: this machine
	Resolver Resolver     // nil: the system's
	Roots    *x509.CertPool
	HELO     string // this host's name, for EHLO; "" is the address literal

	Relay   *relays.Relay     // whose ports are probed; nil: SubmissionControls
	Region  string            // of Relay; "" is its default
	Named   string            // Relay as the user called it: an id or a file; "" is its id
	Host    string            // the relay's name, in place of what Region gives
	Ports   []int             // of Relay; nil: all of its own, in its order
	Catalog []relays.Relay    // to choose from for the advice; nil: none is named
	Targets []string          // mail exchangers in place of DefaultTargets, at most three
	Domain  string            // the server's own: its exchanger takes the third place, for information
	ASN     bool              // ask Team Cymru for the AS number of an unknown host
	Advance func(step string) // called with what is being done; may be nil
	// Keep keeps the connections to the ports of Relay that work, for a login; nil closes
	// them.
	Keep *smtpprobe.Connections
	// Tried is called once the submission ports have been tried, while the rest goes on;
	// may be nil.
	Tried func([]Submission)

	NoProbe    bool // identity and policy only
	NoMetadata bool // local files only

	readers map[string]metadataReader // nil: metadataReaders
	probe   func(context.Context, smtpprobe.Target) smtpprobe.Result
	query   queryFunc
	euid    func() int
	local   func() []netip.Addr
	routed  func(netip.Addr) bool
}

type queryFunc func(context.Context, host.Query) (host.Output, error)

// run is one detection under way.
type run struct {
	Options
	left  atomic.Int32 // connections that may still be made
	hosts []HostEntry

	resolved chan struct{} // closed when the first public name has resolved
	settled  chan struct{} // closed when the metadata service is done with
	once     sync.Once
	answered atomic.Bool // a resolver answered, be it with an error
	cut      bool        // the time for the whole run was over first
}

// Run finds out on which host we are and which ports of mail it can reach. What fails is a
// fact, not an error: err is set only when nothing could be found out at all.
func Run(ctx context.Context, o Options) (Facts, error) {
	hosts, err := Hosts()
	if err != nil {
		return Facts{}, err
	}
	r := &run{Options: o, hosts: hosts, resolved: make(chan struct{}), settled: make(chan struct{})}
	r.defaults()
	facts := Facts{Version: 1, Submission: []Submission{}}
	facts.Port25 = Port25{Verdict: NotProbed, IPv4: NotProbed, IPv6: NotProbed, Why: "port 25 was not probed", Probes: []Probe{}}
	facts.Host = identify(r.Reader, hosts)
	r.left.Store(r.budget(facts.Host))
	r.announce(facts.Host)
	if r.NoProbe {
		facts.Host = r.whereAmI(ctx, facts.Host)
	} else {
		atOnce(
			func() { facts.Host = r.whereAmI(ctx, facts.Host) },
			func() { facts.Port25, facts.Submission = r.whatGetsOut(ctx) },
		)
	}
	if err := ctx.Err(); errors.Is(err, context.Canceled) {
		return facts, err
	}
	// Where no resolver has answered so many questions, the names of APIs only take time.
	if list := r.apis(facts); len(list) > 0 && r.answered.Load() && ctx.Err() == nil {
		r.left.Add(int32(len(list)))
		facts.HTTPS = r.https(ctx, list)
	}
	if entry, ok := HostByID(facts.Host.Provider); ok {
		p := entry.Policy
		facts.Policy = &Policy{Blocked: p.Blocked, Unblock: p.Unblock, URL: p.URL, AsOf: p.AsOf.String()}
	}
	facts.Advice, facts.Next = r.advise(facts)
	return facts, nil
}

func (r *run) defaults() {
	if r.Reader == nil {
		r.Reader = &host.Reader{}
	}
	if r.Resolver == nil {
		if system, err := resolve.System(r.Reader); err == nil {
			r.Resolver = system
		} else {
			r.Resolver = noResolver{err}
		}
	}
	if r.readers == nil {
		r.readers = metadataReaders
	}
	if r.probe == nil {
		r.probe = smtpprobe.Probe
	}
	if r.query == nil {
		r.query = r.Reader.Query
	}
	if r.euid == nil {
		r.euid = os.Geteuid
	}
	if r.local == nil {
		r.local = interfaceAddrs
	}
	if r.routed == nil {
		r.routed = hasRoute
	}
}

// budget is how many connections the probes may make, the metadata service's
// own set aside.
func (r *run) budget(h Host) int32 {
	n := int32(connectionsPlain)
	if r.Relay != nil {
		n = connectionsWithRelay
	}
	if _, ok := r.reader(h); ok {
		n -= effortOf(r.NoProbe).connections
	}
	return n
}

// reader is the metadata service that may be asked on this host.
func (r *run) reader(h Host) (metadataReader, bool) {
	entry, ok := HostByID(h.Provider)
	if !ok || r.NoMetadata {
		return metadataReader{}, false
	}
	reader, ok := r.readers[entry.Metadata.Kind]
	return reader, ok
}

// take reserves a connection.
func (r *run) take() bool {
	if r.left.Add(-1) >= 0 {
		return true
	}
	r.left.Add(1)
	return false
}

// takeLate is take for what can wait until the metadata service has left the
// connections that it did not need.
func (r *run) takeLate(ctx context.Context) bool {
	if r.take() {
		return true
	}
	select {
	case <-r.settled:
	case <-ctx.Done():
	}
	return r.take()
}

// announce says what begins now, what takes longest last: that is what a
// progress line goes on showing.
func (r *run) announce(h Host) {
	if r.Advance == nil {
		return
	}
	if _, ok := r.reader(h); ok {
		r.Advance("asking the metadata service of " + h.Name)
	}
	if !r.NoProbe {
		r.Advance("probing port 25 and the submission ports")
	}
}

// addrs resolves name and notes whether DNS works at all.
func (r *run) addrs(ctx context.Context, name string) addresses {
	whole := ctx
	ctx, cancel := context.WithTimeout(ctx, dnsLimit)
	defer cancel()
	var a addresses
	a.v4, a.v6, a.err = r.Resolver.Addrs(ctx, name)
	a.cut = a.err != nil && over(whole)
	switch {
	case a.err == nil:
		r.answered.Store(true)
	case !errors.Is(a.err, resolve.ErrTimeout) && ctx.Err() == nil && errnoOf(a.err) == "":
		r.answered.Store(true)
	}
	return a
}

// publicAddrs is addrs for names that everybody can reach: a resolver that
// gives an address of this host, of a private network, or none that is one, does
// not tell the truth.
func (r *run) publicAddrs(ctx context.Context, name string) addresses {
	a := r.addrs(ctx, name)
	if a.err != nil {
		return a
	}
	own := r.local()
	lie := func(addr netip.Addr) bool { return !public(addr) || slices.Contains(own, addr) }
	said := slices.Concat(a.v4, a.v6)[0]
	a.v4, a.v6 = slices.DeleteFunc(a.v4, lie), slices.DeleteFunc(a.v6, lie)
	if len(a.v4)+len(a.v6) == 0 {
		a.err = fmt.Errorf("the resolver says %s for %s, which is not its address", said, name)
		return a
	}
	r.once.Do(func() { close(r.resolved) })
	return a
}

// noResolver stands for one whose configuration cannot be read: that is a fact
// about this host as well.
type noResolver struct{ err error }

func (n noResolver) Addrs(context.Context, string) (v4, v6 []netip.Addr, err error) {
	return nil, nil, n.err
}
func (n noResolver) TXT(context.Context, string) ([]string, error)     { return nil, n.err }
func (n noResolver) MX(context.Context, string) ([]resolve.MX, error)  { return nil, n.err }
func (n noResolver) PTR(context.Context, netip.Addr) ([]string, error) { return nil, n.err }

// interfaceAddrs lists the addresses of this host's interfaces.
func interfaceAddrs() []netip.Addr {
	found, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var list []netip.Addr
	for _, a := range found {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil {
			list = append(list, prefix.Addr().Unmap())
		}
	}
	return list
}

// hasRoute asks the kernel for a route to addr.
func hasRoute(addr netip.Addr) bool {
	_, ok := source(addr)
	return ok
}

// source is the address of this host that the kernel would connect to addr
// from. Connecting a datagram socket sends nothing.
func source(addr netip.Addr) (netip.Addr, bool) {
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(context.Background(), "udp", netip.AddrPortFrom(addr, 9).String())
	if err != nil {
		return netip.Addr{}, false
	}
	defer conn.Close()
	from, err := netip.ParseAddrPort(conn.LocalAddr().String())
	return from.Addr().Unmap(), err == nil
}
