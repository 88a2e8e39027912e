package cmd

import (
	"context"
	"fmt"
	"sync"

	"relayhost/internal/plan"
)

// atOnce bounds the connections that a set-up of several relays has open.
const atOnce = 8

// several runs the jobs, at most atOnce of them at the same time, and waits.
func several(jobs []func()) {
	var wait sync.WaitGroup
	places := make(chan struct{}, atOnce)
	for _, job := range jobs {
		places <- struct{}{}
		wait.Go(func() {
			defer func() { <-places }()
			job()
		})
	}
	wait.Wait()
}

// readFile reads relayhost.toml, whoever has written it: the answers of an
// earlier set-up, and the routes beside the default relay.
func (s *setup) readFile() (err error) {
	if s.file, err = s.answersFile(); err != nil {
		return err
	}
	s.state.Load(&s.host.Reader, plan.Paths(s.state)...)
	s.hops = plan.NewResolver(s.file, s.state, s.findRelay)
	if s.before, err = s.hops.Complete(); err == nil {
		return nil
	}
	s.before = s.file
	for _, flag := range []string{"relay", "smarthost", "region", "port"} {
		if s.given(flag) {
			return nil // what is wrong may be replaced; it is looked at again then
		}
	}
	return err
}

// answersFile reads the file once.
func (s *setup) answersFile() (plan.Answers, error) {
	if s.file.Version != 0 {
		return s.file, nil
	}
	file, err := s.readAnswers()
	s.file = file
	return file, err
}

// readRoutes takes the fall-backs of the default relay and the routes of some
// senders from the file: ports, and accounts.
func (s *setup) readRoutes(ctx context.Context) error {
	if err := s.hops.Fill(&s.answers); err != nil {
		return err
	}
	if len(s.answers.Fallback)+len(s.answers.Routes) == 0 {
		return nil
	}
	chains := s.chains()
	if err := s.choosePorts(ctx, chains); err != nil {
		return err
	}
	return s.readAccounts(chains, plan.StoredAccounts(s.state))
}

// chain is a route with its hops, which stay those of s.answers; the first hop of
// the default route is a copy, since it has been chosen before.
type chain struct {
	route int // index in the file, -1 for the default
	name  string
	from  []string // senders
	hops  []*plan.Hop
}

func (s *setup) chains() []chain {
	first := s.answers.Hop()
	def := chain{route: -1, name: plan.DefaultRoute, hops: []*plan.Hop{&first}}
	for i := range s.answers.Fallback {
		def.hops = append(def.hops, &s.answers.Fallback[i])
	}
	all := []chain{def}
	for i := range s.answers.Routes {
		r := &s.answers.Routes[i]
		c := chain{route: i, name: r.Name, from: r.Senders}
		for j := range r.Hops {
			c.hops = append(c.hops, &r.Hops[j])
		}
		all = append(all, c)
	}
	return all
}

// key is that of a value of the chain's hop in the file.
func (c chain) key(hop int, value string) string {
	key := ""
	if c.route >= 0 {
		key = fmt.Sprintf("route[%d].", c.route)
	}
	if hop > 0 {
		key += fmt.Sprintf("fallback[%d].", hop-1)
	}
	return key + value
}

// label names a hop in messages: "route shop, fall-back 1".
func label(route string, hop int) string {
	name := "route " + route
	if route == plan.DefaultRoute {
		name = "default route"
	}
	if hop > 0 {
		name += fmt.Sprintf(", fall-back %d", hop)
	}
	return name
}

// inFile is an error about what a line of relayhost.toml names.
type inFile struct {
	where string // file:line
	err   error
}

func (e inFile) Error() string { return e.where + ": " + e.err.Error() }
func (e inFile) Unwrap() error { return e.err }
