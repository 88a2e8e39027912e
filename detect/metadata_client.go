package detect

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
)

// allowance is the connections that all clients of one race may make.
type allowance struct {
	most int32
	made atomic.Int32
}

func (a *allowance) take() error {
	if a.made.Add(1) > a.most {
		a.made.Add(-1)
		return errTooManyDials
	}
	return nil
}

// metadataClient asks one endpoint. It uses no proxy and follows no redirect:
// either would let somebody else answer.
type metadataClient struct {
	base  string
	http  *http.Client
	alive func() // called when something has come back
	dials dials
}

// dials makes the connections of one endpoint.
type dials struct {
	zone    string // interface of a link-local address
	many    bool   // a second connection is made while the first asks
	count   *allowance
	alive   func()
	n       atomic.Int32
	spare   chan net.Conn // closed when there will be none
	started atomic.Bool
	cancel  context.CancelFunc // of the spare's handshake, once started
	dialer  net.Dialer
}

var errTooManyDials = errors.New("too many connections")

// newMetadataClient asks base, where that is link-local on the interface zone.
// count bounds the connections of all clients that share it.
func newMetadataClient(base, zone string, many bool, count *allowance, alive func()) *metadataClient {
	c := &metadataClient{base: base, alive: alive}
	c.dials = dials{
		zone: zone, many: many, count: count, alive: alive,
		spare: make(chan net.Conn, 1), dialer: net.Dialer{Timeout: metadataConnect, KeepAlive: -1},
	}
	most := 1
	if many {
		most = 2
	}
	c.http = &http.Client{
		Transport: &http.Transport{
			Proxy:                  nil,
			DialContext:            c.dials.dial,
			DisableCompression:     true,
			MaxConnsPerHost:        most,
			MaxResponseHeaderBytes: 16 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c
}

// close ends the connections, the one that nobody needed among them.
func (c *metadataClient) close() {
	c.http.CloseIdleConnections()
	if c.dials.started.Load() {
		c.dials.cancel()
		if conn := <-c.dials.spare; conn != nil {
			conn.Close()
		}
	}
}

// dial connects. As soon as that has succeeded, a service that is asked for
// several values gets a second connection, whose handshake then costs no time;
// nobody gets two who does not answer.
func (d *dials) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if d.started.Load() {
		select {
		case conn := <-d.spare:
			if conn != nil {
				return conn, nil
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	conn, err := d.connect(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	d.alive()
	if d.many && d.n.Add(1) == 1 {
		// It may outlast the request that it is made beside, not the client.
		ctx, d.cancel = context.WithCancel(context.WithoutCancel(ctx))
		d.started.Store(true)
		go func() {
			defer close(d.spare)
			if second, err := d.connect(ctx, network, addr); err == nil {
				d.spare <- second
			}
		}()
	}
	return conn, nil
}

func (d *dials) connect(ctx context.Context, network, addr string) (net.Conn, error) {
	if err := d.count.take(); err != nil {
		return nil, err
	}
	if d.zone != "" {
		to, err := netip.ParseAddrPort(addr)
		if err != nil {
			return nil, err
		}
		addr = netip.AddrPortFrom(to.Addr().WithZone(d.zone), to.Port()).String()
	}
	return d.dialer.DialContext(ctx, network, addr)
}
