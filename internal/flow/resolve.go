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
	"time"
)

// Resolver asks a trivial-rewrite(8) over its socket, as qmgr(8) and cleanup(8)
// do. The protocol is that of Postfix's own programs among each other: attributes
// "name NUL value NUL" and an empty name at the end; since 3.6 the server begins
// with one that names the protocol.
type Resolver struct {
	conn net.Conn
	r    *bufio.Reader
}

// Bounds on what trivial-rewrite(8) answers: an address has 64 KB at most in
// Postfix itself (line_length_limit and the like are far below).
const (
	maxAttributes = 16
	maxAttribute  = 1 << 16
	answerTime    = 10 * time.Second
)

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
func Dial(ctx context.Context, socket string) (*Resolver, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", filepath.Base(socket), err)
	}
	return &Resolver{conn, bufio.NewReader(conn)}, nil
}

// Close ends the connection.
func (r *Resolver) Close() error { return r.conn.Close() }

// Resolve asks where mail from sender ("" is the null sender) to recipient goes.
func (r *Resolver) Resolve(ctx context.Context, sender, recipient string) (Answer, error) {
	got, err := r.ask(ctx, attribute{"request", "resolve"}, attribute{"sender", sender}, attribute{"address", recipient})
	if err != nil {
		return Answer{}, fmt.Errorf("resolve %s: %w", recipient, err)
	}
	a := Answer{}
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

// Rewrite gives an address of this host its standard form: the domain of myorigin
// where it has none.
func (r *Resolver) Rewrite(ctx context.Context, address string) (string, error) {
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
func (r *Resolver) ask(ctx context.Context, request ...attribute) ([]attribute, error) {
	limit := time.Now().Add(answerTime)
	if d, ok := ctx.Deadline(); ok && d.Before(limit) {
		limit = d
	}
	if err := r.conn.SetDeadline(limit); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = r.conn.SetDeadline(time.Now()) })
	defer stop()
	var b strings.Builder
	for _, a := range request {
		if strings.ContainsRune(a.value, 0) {
			return nil, errors.New("a NUL in an address")
		}
		b.WriteString(a.name + "\x00" + a.value + "\x00")
	}
	b.WriteByte(0)
	if _, err := r.conn.Write([]byte(b.String())); err != nil {
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
func (r *Resolver) read() ([]attribute, error) {
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
	return nil, errors.New("Postfix answers with too much")
}

// word reads up to a NUL.
func (r *Resolver) word() (string, error) {
	var b strings.Builder
	for b.Len() < maxAttribute {
		c, err := r.r.ReadByte()
		if err != nil {
			return "", err
		}
		if c == 0 {
			return b.String(), nil
		}
		b.WriteByte(c)
	}
	return "", errors.New("Postfix answers with too much")
}
