package flow

import (
	"fmt"
	"net"
	"slices"
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

// Keep says how the mail of f can stay as it is: by what of main.cf the plan changes, all
// of which the service of f reads but for its own -o options.
func (f Foreign) Keep(p plan.Plan) string {
	var changed []string
	file := p.Main()
	before, err := postfix.ParseMain(file.Before)
	after, aerr := postfix.ParseMain(file.After)
	if err == nil && aerr == nil {
		was := before.Values()
		for name, value := range after.Values() {
			// The first two choose the service, which is that of f before and after.
			if old, set := was[name]; (!set || old != value) && name != "default_transport" && name != "sender_dependent_default_transport_maps" && name != "delay_warning_time" {
				changed = append(changed, name)
			}
			delete(was, name)
		}
		for name := range was {
			if name != "relayhost" {
				changed = append(changed, name)
			}
		}
	}
	slices.Sort(changed)
	switch {
	case slices.Contains(changed, "sender_canonical_maps"):
		return fmt.Sprintf("sender_canonical_maps rewrites senders for the service %s too: take those of that mail out of [rewrite] in relayhost.toml, or give %s an account that may send as the new address", f.Service, f.Service)
	case len(changed) > 0:
		return fmt.Sprintf("%s change in main.cf, which the service %s reads too: give it those of now by -o in master.cf", strings.Join(changed, ", "), f.Service)
	}
	return fmt.Sprintf("nothing that the service %s reads in main.cf changes: compare the tables that it names with relayhost setup --dry-run", f.Service)
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
