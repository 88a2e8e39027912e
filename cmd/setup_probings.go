package cmd

import (
	"crypto/x509"
	"slices"
	"strings"

	"relayhost/internal/plan"
	"relayhost/internal/smtpprobe"
)

// maxSenders is how many senders are asked for on one connection.
const maxSenders = 100

// probing is one connection to a relay: a hop with its account, and the senders
// that are asked for there.
type probing struct {
	hop     plan.Hop
	roots   *x509.CertPool
	senders []string
	of      map[string]string // label of the first route and hop that has the sender
	// curious asks for the null sender at last, which nobody has to take.
	curious bool
	result  smtpprobe.Result
	err     error
}

// isSeveral reports whether there is more than the one relay.
func (s *setup) isSeveral() bool { return len(s.answers.Routes)+len(s.answers.Fallback) > 0 }

// routes are those of the answers, with the senders that the plan gives them: the
// null sender may have found its way by itself.
func (s *setup) routes() []plan.Route {
	all := s.answers.AllRoutes()
	for i, w := range s.plan.Routes {
		if i < len(all) && all[i].Name == w.Name {
			all[i].Senders = w.Senders
		}
	}
	return all
}

// sendersOf are the senders that a route is proven with, "" for the null sender.
func sendersOf(r plan.Route) []string {
	if r.Name == plan.DefaultRoute {
		list := []string{r.From}
		if slices.Contains(r.Senders, plan.NullSender) {
			list = append(list, "")
		}
		return list
	}
	var list []string
	if plan.SentBy(r.Senders, r.From) {
		list = append(list, r.From)
	}
	for _, sender := range r.Senders {
		switch {
		case sender == plan.NullSender:
			sender = ""
		case strings.Contains(sender, "@"):
		case plan.SentBy([]string{sender}, r.From), strings.HasPrefix(sender, "."):
			continue // of a name below a domain no other address is known
		default:
			sender = "postmaster@" + sender
		}
		if !slices.Contains(list, sender) {
			list = append(list, sender)
		}
	}
	return list
}

// probings are the connections to make: one for each hop and account, whoever
// shares it. Without a proof one sender of each is enough.
func (s *setup) probings() (list []*probing, left int, err error) {
	known := map[string]*probing{}
	most := maxSenders
	if s.flags.noVerify {
		most = 1
	}
	pools := map[string]*x509.CertPool{}
	for _, r := range s.routes() {
		for i, h := range r.Hops {
			key := strings.Join([]string{h.NextHop(), string(h.TLS), h.Username, h.Password.Reveal(), h.CAFile, h.Pin}, "\x00")
			p, ok := known[key]
			if !ok {
				p = &probing{hop: h, of: map[string]string{}}
				file := first(h.CAFile, s.state.CAFile)
				if p.roots, ok = pools[file]; !ok {
					if p.roots, err = s.roots(file); err != nil {
						return nil, 0, err
					}
					pools[file] = p.roots
				}
				known[key], list = p, append(list, p)
			}
			for _, sender := range sendersOf(r) {
				if _, asked := p.of[sender]; asked {
					continue
				}
				if len(p.senders) == most {
					left++
					continue
				}
				p.senders = append(p.senders, sender)
				p.of[sender] = label(r.Name, i)
			}
		}
	}
	if s.flags.noVerify {
		return list, 0, nil
	}
	if s.isSeveral() && !slices.ContainsFunc(s.routes(), func(r plan.Route) bool { return slices.Contains(r.Senders, plan.NullSender) }) {
		list[0].senders, list[0].curious = append(list[0].senders, ""), true
	}
	return list, left, nil
}
