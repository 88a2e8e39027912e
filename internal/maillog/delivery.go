package maillog

import (
	"strconv"
	"strings"

	"relayhost/internal/mailaddr"
)

// Delivery is what a delivery agent logs of one recipient (log_adhoc(3)).
type Delivery struct {
	To     string
	OrigTo string // before aliasing, "" where it is the same
	Relay  string // as logged: "smtp.example.com[192.0.2.1]:587", "local", "none"
	Host   string // "smtp.example.com"; "" where nothing was connected
	Addr   string // "192.0.2.1"
	Port   int
	DSN    string // enhanced status code, RFC 3463
	Status string // sent | deferred | bounced | SOFTBOUNCE | deliverable | undeliverable | expired
	Reply  string // what stands in the parentheses
}

// ParseDelivery reads the text of a line behind the queue id: "to=<...>,
// relay=..., delay=..., dsn=..., status=sent (...)", of Postfix 3.4 to 3.11. ok
// is false for every other line.
func ParseDelivery(text string) (d Delivery, ok bool) {
	rest, ok := strings.CutPrefix(text, "to=<")
	if !ok {
		return d, false
	}
	if d.To, rest, ok = mailaddr.CutPath(rest); !ok {
		return d, false
	}
	if after, found := strings.CutPrefix(rest, ", orig_to=<"); found {
		if d.OrigTo, rest, ok = mailaddr.CutPath(after); !ok {
			return d, false
		}
	}
	for {
		if rest, ok = strings.CutPrefix(rest, ", "); !ok {
			return d, false
		}
		name, after, found := strings.Cut(rest, "=")
		if !found {
			return d, false
		}
		if name == "status" {
			return d, d.status(after)
		}
		value, _, _ := strings.Cut(after, ", ")
		rest = after[len(value):]
		d.field(name, value)
	}
}

func (d *Delivery) status(s string) bool {
	var reply string
	d.Status, reply, _ = strings.Cut(s, " ")
	d.Reply = strings.TrimSuffix(strings.TrimPrefix(reply, "("), ")")
	return d.Status != ""
}

func (d *Delivery) field(name, value string) {
	switch name {
	case "relay":
		d.Relay = value
		d.Host, d.Addr, d.Port = splitRelay(value)
	case "dsn":
		d.DSN = value
	}
}

// splitRelay splits "host[address]:port"; a socket instead of an address, or no
// connection at all, gives no host.
func splitRelay(relay string) (host, addr string, port int) {
	host, rest, found := strings.Cut(relay, "[")
	end := strings.LastIndexByte(rest, ']')
	if !found || end < 0 || strings.HasPrefix(rest, "/") {
		return "", "", 0
	}
	port, _ = strconv.Atoi(strings.TrimPrefix(rest[end+1:], ":"))
	return host, rest[:end], port
}
