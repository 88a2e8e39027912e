package flow

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Rewriter asks a trivial-rewrite(8) over its socket, as qmgr(8) and cleanup(8)
// do. The protocol is that of Postfix's own programs among each other: attributes
// "name NUL value NUL" and an empty name at the end; since 3.6 the server begins
// with one that names the protocol.
type Rewriter struct {
	conn    net.Conn
	r       *bufio.Reader
	request []byte // the last one, whose room the next takes
}

// Bounds on what trivial-rewrite(8) and verify(8) answer: a line of SMTP has 2 KB in Postfix
// itself (line_length_limit), and an address less.
const (
	maxAttributes = 16
	maxAttribute  = 1 << 14
)

var errTooMuch = errors.New("Postfix answers with too much")

// answerTime bounds the wait for one answer; a test sets it.
var answerTime = 10 * time.Second

// Answer is where trivial-rewrite(8) sends mail (resolve_clnt.h in Postfix).
type Answer struct {
	Transport string // service of master.cf
	NextHop   string
	Recipient string
	Flags     int // of resolve
}

// Flags of an Answer.
const (
	flagError = 1 << 2 // the address is malformed
	flagFail  = 1 << 3 // a table could not be asked: the mail is deferred
)

// Failed reports whether the mail would be deferred for a fault of a table.
func (a Answer) Failed() bool { return a.Flags&flagFail != 0 }

// Dial connects to the socket of a trivial-rewrite(8).
func Dial(ctx context.Context, socket string) (*Rewriter, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", filepath.Base(socket), err)
	}
	return &Rewriter{conn: conn, r: bufio.NewReaderSize(conn, maxAttribute)}, nil
}

// Close ends the connection.
func (r *Rewriter) Close() error { return r.conn.Close() }

// resolve asks where mail from sender ("" is the null sender) to recipient goes.
func resolve(sender, recipient string) []attribute {
	return []attribute{{"request", "resolve"}, {"sender", sender}, {"address", recipient}}
}

// answerOf reads the answer for recipient.
func answerOf(got []attribute, recipient string) (a Answer, err error) {
	for _, x := range got {
		switch x.name {
		case "transport":
			a.Transport = x.value
		case "nexthop":
			a.NextHop = x.value
		case "recipient":
			a.Recipient = x.value
		case "flags": // of the server, and then of the answer: the latter counts
			if a.Flags, err = strconv.Atoi(x.value); err != nil {
				return a, fmt.Errorf("resolve %s: flags %q: %w", recipient, x.value, err)
			}
		}
	}
	if a.Transport == "" && !a.Failed() && a.Flags&flagError == 0 {
		return a, fmt.Errorf("resolve %s: trivial-rewrite names no transport", recipient)
	}
	return a, nil
}

// Rewriters are connections to one trivial-rewrite(8), so that many questions are under
// way at once. A connection can have one only: the program reads all that has come and
// answers the first, and what it has read beside that wakes it no more (multi_server(3)).
type Rewriters []*Rewriter

// DialMany makes as many connections as n questions are worth, and master(8) lets wait
// (src/master/master_listen.c: default_process_limit, which may be low). No question is asked
// before all are made: master(8) starts another trivial-rewrite(8) for one that it finds
// waiting while the first is at work.
func DialMany(ctx context.Context, socket string, n int) (Rewriters, error) {
	rs := make(Rewriters, 0, maxConnections)
	for len(rs) < min(1+n/perConnection, maxConnections) {
		r, err := Dial(ctx, socket)
		if len(rs) > 0 && errors.Is(err, syscall.EAGAIN) {
			break
		}
		if err != nil {
			return nil, errors.Join(err, rs.Close())
		}
		rs = append(rs, r)
	}
	return rs, nil
}

// A connection costs about what perConnection questions do; more than maxConnections are
// more than trivial-rewrite(8) answers before it has to look again who has asked.
const (
	perConnection  = 8
	maxConnections = 32
)

// Close ends all connections.
func (rs Rewriters) Close() error {
	var errs []error
	for _, r := range rs {
		errs = append(errs, r.Close())
	}
	return errors.Join(errs...)
}

// Resolve asks where each of n messages goes, of which message gives the i-th: its sender,
// "" for the null sender, and its recipient.
func (rs Rewriters) Resolve(ctx context.Context, n int, message func(i int) (sender, recipient string)) ([]Answer, error) {
	defer context.AfterFunc(ctx, func() {
		for _, r := range rs {
			r.expire()
		}
	})()
	answers := make([]Answer, n)
	for i := range n + len(rs) {
		r := rs[i%len(rs)]
		if was := i - len(rs); was >= 0 && was < n {
			_, recipient := message(was)
			got, err := r.receive(ctx)
			if err != nil {
				return nil, fmt.Errorf("resolve %s: %w", recipient, err)
			}
			if answers[was], err = answerOf(got, recipient); err != nil {
				return nil, err
			}
		}
		if i < n {
			sender, recipient := message(i)
			if err := r.send(ctx, resolve(sender, recipient)...); err != nil {
				return nil, fmt.Errorf("resolve %s: %w", recipient, err)
			}
		}
	}
	return answers, nil
}

// Rewrite gives an address of this host its standard form: the domain of myorigin
// where it has none.
func (r *Rewriter) Rewrite(ctx context.Context, address string) (string, error) {
	got, err := r.ask(ctx, attribute{"request", "rewrite"}, attribute{"rule", "local"}, attribute{"address", address})
	if err != nil {
		return "", fmt.Errorf("rewrite %s: %w", address, err)
	}
	for _, x := range got {
		if x.name == "address" {
			return x.value, nil
		}
	}
	return "", fmt.Errorf("rewrite %s: trivial-rewrite gives no address", address)
}

type attribute struct{ name, value string }

// ask sends one request and reads the answer.
func (r *Rewriter) ask(ctx context.Context, request ...attribute) ([]attribute, error) {
	stop := context.AfterFunc(ctx, r.expire)
	defer stop()
	if err := r.send(ctx, request...); err != nil {
		return nil, err
	}
	return r.receive(ctx)
}

// send sends a request. It is [Rewriter.receive] that reads the answer; [Rewriter.expire]
// is to be called when ctx ends in between.
func (r *Rewriter) send(ctx context.Context, request ...attribute) error {
	if err := r.limit(ctx); err != nil {
		return err
	}
	r.request = r.request[:0]
	for _, a := range request {
		if strings.ContainsRune(a.value, 0) {
			return errors.New("a NUL in an address")
		}
		r.request = append(append(r.request, a.name...), 0)
		r.request = append(append(r.request, a.value...), 0)
	}
	_, err := r.conn.Write(append(r.request, 0))
	return err
}

// limit gives the connection answerTime from now, and no longer than ctx.
func (r *Rewriter) limit(ctx context.Context) error {
	limit := time.Now().Add(answerTime)
	if d, ok := ctx.Deadline(); ok && d.Before(limit) {
		limit = d
	}
	if err := r.conn.SetDeadline(limit); err != nil {
		return err
	}
	if ctx.Err() != nil { // before that, and nothing else would tell
		return context.Cause(ctx)
	}
	return nil
}

// expire ends what waits for an answer.
func (r *Rewriter) expire() { _ = r.conn.SetDeadline(time.Now()) }

// receive reads the answer to the request that was sent last. What the program has
// answered on other connections meanwhile does not count as waiting.
func (r *Rewriter) receive(ctx context.Context) ([]attribute, error) {
	if err := r.limit(ctx); err != nil {
		return nil, err
	}
	for {
		got, err := r.read()
		if err != nil {
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			return nil, err
		}
		if len(got) == 1 && got[0].name == "protocol" {
			continue
		}
		return got, nil
	}
}

// read reads one list of attributes.
func (r *Rewriter) read() ([]attribute, error) {
	var got []attribute
	for len(got) <= maxAttributes {
		name, err := r.word()
		if err != nil {
			return nil, err
		}
		if name == "" {
			return got, nil
		}
		value, err := r.word()
		if err != nil {
			return nil, err
		}
		got = append(got, attribute{name, value})
	}
	return nil, errTooMuch
}

// word reads up to a NUL.
func (r *Rewriter) word() (string, error) {
	word, err := r.r.ReadSlice(0)
	if errors.Is(err, bufio.ErrBufferFull) {
		return "", errTooMuch
	}
	if err != nil {
		return "", err
	}
	return string(word[:len(word)-1]), nil
}
