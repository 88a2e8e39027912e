package resolve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/miekg/dns"
)

const (
	// udpSize is what we say we can take by UDP: below it no path fragments
	// (DNS flag day 2020).
	udpSize = 1232
	// attempts is how often each server is asked, since datagrams get lost.
	attempts = 2
	// maxForged is how many answers that are not ours a socket may bring
	// before the attempt ends.
	maxForged = 64
)

// errTruncated is an answer that is cut short by TCP as well, where there is room.
var errTruncated = errors.New("the answer is cut short by TCP as well")

// ask puts one question to the servers in turn: the next one when one fails or
// has been silent for its share of the time. The first answer wins.
func (r *Resolver) ask(ctx context.Context, name string, qtype uint16) (*dns.Msg, error) {
	if len(r.Servers) == 0 {
		return nil, fmt.Errorf("%w: none is configured", ErrTemporary)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	turns := len(r.Servers) * attempts
	share := time.NewTicker(slice(ctx, turns))
	defer share.Stop()
	type answer struct {
		server int
		reply  *dns.Msg
		err    error
	}
	answers := make(chan answer, turns)
	answered := make([]bool, len(r.Servers)) // with a failure: no use in asking it again
	next, pending := 0, 0
	start := func() {
		for next < turns && answered[next%len(r.Servers)] {
			next++
		}
		if next == turns {
			return
		}
		i := next % len(r.Servers)
		next++
		pending++
		go func() {
			reply, err := exchange(ctx, r.Servers[i], name, qtype)
			answers <- answer{i, reply, err}
		}()
	}
	// Wait for what was started: no goroutine outlives the look-up.
	defer func() {
		cancel()
		for ; pending > 0; pending-- {
			<-answers
		}
	}()

	var failure error
	start()
	for pending > 0 {
		select {
		case a := <-answers:
			pending--
			if a.err == nil {
				return a.reply, nil
			}
			failure = worse(failure, a.err)
			answered[a.server] = true
			start()
		case <-share.C:
			start()
		case <-ctx.Done():
			return nil, worse(failure, fmt.Errorf("%s: %w", r.list(), cause(ctx)))
		}
	}
	return nil, failure
}

// slice divides the time that ctx leaves among turns.
func slice(ctx context.Context, turns int) time.Duration {
	left := defaultTimeout
	if deadline, ok := ctx.Deadline(); ok {
		left = time.Until(deadline)
	}
	return max(left/time.Duration(turns), time.Millisecond)
}

// cause says why ctx ended; the caller's deadline is a timeout like our own.
func cause(ctx context.Context) error {
	err := context.Cause(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return ErrTimeout
	}
	return err
}

func (r *Resolver) list() string {
	var names []string
	for _, s := range r.Servers {
		names = append(names, s.Addr().String())
	}
	return strings.Join(names, ", ")
}

// exchange asks one server by UDP, then by TCP if the answer was cut short.
func exchange(ctx context.Context, server netip.AddrPort, name string, qtype uint16) (*dns.Msg, error) {
	query := new(dns.Msg).SetQuestion(name, qtype)
	query.SetEdns0(udpSize, false)
	reply, err := once(ctx, "udp", server, query)
	if err == nil && (reply.Rcode == dns.RcodeFormatError || reply.Rcode == dns.RcodeNotImplemented) {
		// An old server that does not know EDNS (RFC 6891, section 6.2.2).
		query = new(dns.Msg).SetQuestion(name, qtype)
		reply, err = once(ctx, "udp", server, query)
	}
	if err == nil && reply.Truncated {
		reply, err = once(ctx, "tcp", server, query)
		if err == nil && reply.Truncated {
			err = errTruncated
		}
	}
	if err == nil {
		err = rcodeError(reply)
	}
	if err == nil {
		return reply, nil
	}
	if ctx.Err() != nil {
		err = cause(ctx)
	} else if !errors.Is(err, ErrTemporary) {
		err = fmt.Errorf("%w: %w", ErrTemporary, err)
	}
	return nil, fmt.Errorf("%s: %w", server.Addr(), err)
}

// once sends query and reads until the answer to it comes. By UDP anybody may
// send anything, so what does not fit is passed over; by TCP it is an error.
func once(ctx context.Context, network string, server netip.AddrPort, query *dns.Msg) (*dns.Msg, error) {
	var dialer net.Dialer
	c, err := dialer.DialContext(ctx, network, server.String())
	if err != nil {
		return nil, err
	}
	// Read more than we asked for: some servers do not keep to the size.
	conn := &dns.Conn{Conn: c, UDPSize: 4096}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := conn.WriteMsg(query); err != nil {
		return nil, err
	}
	for range maxForged {
		reply, err := conn.ReadMsg()
		// A server may cut a record in the middle; then only the head counts.
		if reply != nil && (err == nil || reply.Truncated) && answers(query, reply) {
			return reply, nil
		}
		var broken net.Error
		if network == "tcp" || errors.As(err, &broken) || errors.Is(err, os.ErrDeadlineExceeded) {
			if err == nil {
				err = fmt.Errorf("%w: the answer was to another question", ErrTemporary)
			}
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: %d answers to other questions", ErrTemporary, maxForged)
}

// answers reports whether reply belongs to query: id, kind and question.
func answers(query, reply *dns.Msg) bool {
	return reply.Id == query.Id && reply.Response && reply.Opcode == query.Opcode &&
		len(reply.Question) == 1 &&
		reply.Question[0].Qtype == query.Question[0].Qtype &&
		reply.Question[0].Qclass == query.Question[0].Qclass &&
		strings.EqualFold(reply.Question[0].Name, query.Question[0].Name)
}
