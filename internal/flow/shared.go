package flow

import (
	"net"
	"strconv"
	"strings"

	"relayhost/internal/config"
	"relayhost/internal/mailaddr"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

// Foreign is a way to a next hop of the plan that is not of the plan: another
// service of master.cf, or another account.
type Foreign struct {
	Service string
	NextHop postfix.NextHop
	Account string // "" for no login
	Sender  string // of a message of this class; "" where any will do
	Class   string
	// From and To are a sender and a recipient of the class as they are asked for:
	// "<>" is the null sender, "" one that any will do for.
	From, To string
}

// Shared lists the foreign routes to the next hops of p, one for each service and
// account.
func Shared(flows []Flow, p plan.Plan) []Foreign {
	touched := map[string]bool{}
	for _, w := range p.Routes {
		for _, h := range w.Hops {
			if hop, err := postfix.ParseNextHop(h.NextHop); err == nil {
				touched[place(hop)] = true
			}
		}
	}
	var list []Foreign
	seen := map[string]bool{}
	for _, f := range flows {
		hop, err := parse(f.After.NextHop)
		key := f.After.Transport + "\x00" + place(hop) + "\x00" + f.After.Account
		if err != nil || f.After.ours() || !touched[place(hop)] || seen[key] {
			continue
		}
		seen[key] = true
		way := Foreign{Service: f.After.Transport, NextHop: hop, Account: f.After.Account, Sender: f.author(), Class: f.Class}
		if way.From = way.Sender; f.Sender == "" {
			way.From = config.NullSender
		} else if !mailaddr.IsAddress(way.From) { // it becomes the value of a parameter
			way.From = ""
		}
		if f.Recipient != elsewhere && mailaddr.IsAddress(f.Recipient) {
			way.To = existing(f.Recipient)
		}
		list = append(list, way)
	}
	return list
}

func parse(nextHop string) (postfix.NextHop, error) {
	if nextHop == "" { // the recipient's mail exchangers
		return postfix.NextHop{}, nil
	}
	return postfix.ParseNextHop(nextHop)
}

// place is where a next hop is, however it is written.
func place(h postfix.NextHop) string { return net.JoinHostPort(h.Host, strconv.Itoa(h.Port)) }

// author is the sender of a test message of the class.
func (f Flow) author() string {
	if f.Sender == anybody || !strings.Contains(f.Sender, "@") {
		return ""
	}
	return existing(f.Sender)
}

// existing is an address that exists: a local part that was made up is that of the
// postmaster (RFC 5321 section 4.5.1).
func existing(address string) string {
	if domain, made := strings.CutPrefix(address, somebody+"@"); made {
		return "postmaster@" + domain
	}
	return address
}
