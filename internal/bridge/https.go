//go:build unix

package bridge

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/net/idna"

	"relayhost/internal/bridge/api"
	"relayhost/internal/smtpprobe"
)

// HTTPS is a next hop that is the API of a relay. The envelope decides who gets the
// message; nothing is acknowledged before the API has accepted it.
type HTTPS struct {
	client    *api.Client
	directory string // of the files that hold large messages
	slot      *slot

	open bool // an envelope has begun
	from string
	to   []string
}

// NewHTTPS is a next hop that sends through client. Messages of more than 256 kB
// are held in files without a name in directory while they are sent.
func NewHTTPS(client *api.Client, directory string) *HTTPS {
	return &HTTPS{client: client, directory: directory}
}

// connectAPI counts the connection in slots, where the relay limits them.
func connectAPI(ctx context.Context, client *api.Client, directory, slots string, connections int) (Hop, error) {
	host, err := client.API.Host(client.Account.Account)
	if err != nil {
		return nil, err
	}
	h := NewHTTPS(client, directory)
	h.slot, err = takeSlot(ctx, slots, Server{Host: host, Connections: connections})
	if err != nil {
		return nil, err
	}
	return h, nil
}

// Extensions are what an API can do: the message may have any bytes and headers in
// UTF-8; addresses that are not ASCII are refused one by one.
func (h *HTTPS) Extensions() []string {
	return []string{"8BITMIME", "SMTPUTF8", "SIZE " + strconv.FormatInt(h.client.API.Limits.Bytes, 10)}
}

// Envelope keeps the envelope. The API is not asked, but where it has said that it
// wants no requests for a while.
func (h *HTTPS) Envelope(ctx context.Context, commands []Command) ([]smtpprobe.Reply, error) {
	var replies []smtpprobe.Reply
	for _, c := range commands {
		var r smtpprobe.Reply
		switch c.Verb {
		case Mail:
			r = h.mail(ctx, c)
		case Rcpt:
			r = h.rcpt(c)
		case Data:
			r = h.data()
		}
		replies = append(replies, r)
	}
	return replies, nil
}

func (h *HTTPS) mail(ctx context.Context, c Command) smtpprobe.Reply {
	if h.open {
		return reply(503, "5.5.1", "nested MAIL command")
	}
	from, err := ascii(c.Address)
	if err != nil {
		return reply(550, "5.6.7", "sender "+err.Error())
	}
	for _, p := range c.Params {
		if size, ok := strings.CutPrefix(strings.ToUpper(p), "SIZE="); ok {
			if n, err := strconv.ParseInt(size, 10, 64); err == nil && n > h.client.API.Limits.Bytes {
				return h.tooLarge()
			}
		}
	}
	if paused := h.client.Paused(ctx); paused != nil {
		return wire(*paused)
	}
	h.open, h.from, h.to = true, from, nil
	return reply(250, "2.1.0", "Ok")
}

func (h *HTTPS) rcpt(c Command) smtpprobe.Reply {
	if !h.open {
		return reply(503, "5.5.1", "need MAIL command")
	}
	to, err := ascii(c.Address)
	if err != nil {
		return reply(550, "5.6.7", "recipient "+err.Error())
	}
	if limit := h.client.API.Limits.Recipients; len(h.to) >= limit {
		return reply(452, "4.5.3", fmt.Sprintf("%s takes %d recipients a message", h.client.API.Name, limit))
	}
	h.to = append(h.to, to)
	return reply(250, "2.1.5", "Ok")
}

func (h *HTTPS) data() smtpprobe.Reply {
	if !h.open || len(h.to) == 0 {
		h.open = false
		return reply(554, "5.5.1", "no valid recipients")
	}
	return reply(354, "", "End data with <CR><LF>.<CR><LF>")
}

func (h *HTTPS) tooLarge() smtpprobe.Reply {
	return reply(552, "5.3.4", fmt.Sprintf("%s takes messages of at most %d bytes", h.client.API.Name, h.client.API.Limits.Bytes))
}

// Message takes the whole message before the API gets its first byte: what Postfix
// has not finished is never sent. The API's answer is awaited even when the process
// is about to end, since Postfix would send the message again.
func (h *HTTPS) Message(ctx context.Context, r io.Reader) ([]smtpprobe.Reply, error) {
	defer h.Reset()
	spool := &api.Spool{Directory: h.directory}
	defer spool.Close()
	from, store := copyCRLF(spool, r, h.client.API.Limits.Bytes)
	switch {
	case from != nil:
		return nil, from
	case errors.Is(store, errTooLarge):
		return h.every(h.tooLarge()), nil
	case store != nil:
		return h.every(reply(452, "4.3.1", "relayhost: hold the message: "+smtpprobe.Sanitize(store.Error()))), nil
	}
	m := &api.Message{From: h.from, To: h.to, Data: spool, Size: spool.Size()}
	defer m.Close()
	var replies []smtpprobe.Reply
	for _, r := range h.client.Send(context.WithoutCancel(ctx), m) {
		replies = append(replies, wire(r))
	}
	return replies, nil
}

func (h *HTTPS) every(r smtpprobe.Reply) []smtpprobe.Reply {
	all := make([]smtpprobe.Reply, len(h.to))
	for i := range all {
		all[i] = r
	}
	return all
}

// Reset forgets the envelope.
func (h *HTTPS) Reset() { h.open, h.from, h.to = false, "", nil }

// Close gives the connection back; the client keeps those to the API.
func (h *HTTPS) Close() { h.slot.free(); h.slot = nil }

// wire is a reply of an API as Postfix gets it.
func wire(r api.Reply) smtpprobe.Reply {
	text := r.Text
	if r.Refused() {
		text = "relayhost: " + text
	}
	return reply(r.Code, r.Enhanced, smtpprobe.Sanitize(text))
}

// buffer is what a message passes through.
type buffer struct {
	in  *bufio.Reader
	out *bufio.Writer
}

// buffers: a message of some kilobytes would leave a multiple of that for the garbage
// collector.
var buffers = sync.Pool{New: func() any { return &buffer{bufio.NewReaderSize(nil, 32<<10), bufio.NewWriterSize(nil, 32<<10)} }}

// free keeps nothing of the message.
func (b *buffer) free() {
	b.in.Reset(nil)
	b.out.Reset(nil)
	buffers.Put(b)
}

var errTooLarge = errors.New("too large")

// copyCRLF writes what r gives, whose lines end in LF, with the CRLF that Postfix
// sent. It returns the fault of r and that of w.
func copyCRLF(w *api.Spool, r io.Reader, limit int64) (read, written error) {
	b := buffers.Get().(*buffer) //nolint:forcetypeassert // see buffers
	defer b.free()
	in, out := b.in, b.out
	in.Reset(r)
	out.Reset(w)
	var n int64
	for {
		line, err := in.ReadSlice('\n')
		if len(line) > 0 && line[len(line)-1] == '\n' {
			n += int64(len(line)) + 1
			_, written = out.Write(line[:len(line)-1])
			if written == nil {
				_, written = out.WriteString("\r\n")
			}
		} else {
			n += int64(len(line))
			_, written = out.Write(line)
		}
		if written == nil && n > limit {
			written = errTooLarge
		}
		if written != nil {
			return nil, written
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil, out.Flush()
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return err, nil
		}
	}
}

// ascii is an address in the form that every API takes: a domain that is not ASCII
// as its A-label (RFC 5891), and no character that means something in a list of
// addresses.
func ascii(address string) (string, error) {
	if address == "" {
		return "", nil
	}
	at := strings.LastIndexByte(address, '@')
	if at <= 0 {
		return "", errors.New("has no domain")
	}
	local, domain := address[:at], address[at+1:]
	if strings.ContainsFunc(local, func(r rune) bool { return r > 0x7e }) {
		return "", errors.New("is not ASCII before the @, which no API takes")
	}
	if strings.ContainsFunc(local, func(r rune) bool { return r <= ' ' || strings.ContainsRune(`"(),:;<>@[\]`, r) }) {
		return "", errors.New("needs quotes, which no API takes")
	}
	d, err := idna.Lookup.ToASCII(domain)
	if err != nil {
		return "", errors.New("has no valid domain")
	}
	return local + "@" + d, nil
}
