// Package flow says where mail goes before and after a change, as Postfix itself
// resolves it: a private trivial-rewrite(8) with the server's configuration and one
// with the planned configuration answer for the same addresses, which come from the
// server's own tables. What smtp(8) would do there (TLS level, account, rewritten
// sender) is derived from the parameters and tables of its service.
package flow

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"relayhost/internal/host"
	"relayhost/internal/instance"
	"relayhost/internal/maillog"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

// Route is how one message leaves, or stays, as trivial-rewrite(8) and the service that it
// names have it: a row of a document, of which two are compared.
type Route struct {
	Transport string `json:"transport"` // service of master.cf: "smtp", "local", "relayhost-ses"
	NextHop   string `json:"next_hop"`  // "" for the mail exchangers of the recipient's domain
	// TLS is the level of smtp_tls_security_level or the policy table; "" where the
	// service is no smtp(8). TLSDetail is what goes with it, sorted.
	TLS       string `json:"tls,omitempty"`
	TLSDetail string `json:"tls_detail,omitempty"`
	Account   string `json:"account,omitempty"` // user name of the login; "" for none
	Sender    string `json:"sender,omitempty"`  // envelope sender as it leaves, where it is rewritten
	Failed    bool   `json:"failed,omitempty"`  // a table cannot be asked: such mail is deferred
	Local     bool   `json:"local,omitempty"`   // the recipient is of this server

	policy string // table of ours that the TLS level is from; "" otherwise
	here   bool   // the recipient's domain is delivered here, by lmtp(8) or a transport of its own maybe
}

// same reports whether mail leaves in the same manner, but for its sender.
func (w Route) same(o Route) bool {
	return w.Transport == o.Transport && w.NextHop == o.NextHop && w.TLS == o.TLS && w.TLSDetail == o.TLSDetail &&
		w.Account == o.Account && w.Failed == o.Failed
}

// ours reports whether the service is one of a setup that relayhost made.
func (w Route) ours() bool { return strings.HasPrefix(w.Transport, plan.ServicePrefix) }

// Flow is one message before and after.
type Flow struct {
	Question
	Before, After Route
}

// Asked is what the administrator has asked for.
type Asked struct {
	From, To string   // of the test message
	RootTo   string   // alias of root; "" leaves it
	Direct   []string // domains that bypass the relay
}

// Compute asks where mail goes with the Postfix of s as it is and with p. It needs
// root. A private Postfix that dies of its configuration is a *instance.Fault.
func Compute(ctx context.Context, h *host.Host, s postfix.State, p plan.Plan, asked Asked) (Table, error) {
	if s.Main == nil || s.Master == nil || !s.Installed {
		return Table{}, errors.New("there is no Postfix whose mail could be looked at")
	}
	list, left := questions(ctx, &h.Reader, &s, p, asked)
	var routes [2][]Route
	var errs [2]error
	done := make(chan struct{})
	go func() {
		defer close(done)
		routes[0], errs[0] = answers(ctx, h, instance.BeforeName, s, Unchanged(s), list)
	}()
	routes[1], errs[1] = answers(ctx, h, instance.AfterName, s, p, list)
	<-done
	t := Table{Rows: []Row{}, NotSampled: left}
	var fault *instance.Fault
	switch {
	case errs[1] != nil:
		return t, fmt.Errorf("mail flow as planned: %w", errs[1])
	case errors.As(errs[0], &fault): // and p repairs it
		t.Broken = fault.Error()
		return t, nil
	case errs[0] != nil:
		return t, fmt.Errorf("mail flow as it is: %w", errs[0])
	}
	flows := make([]Flow, len(list))
	for i, q := range list {
		flows[i] = Flow{q, routes[0][i], routes[1][i]}
	}
	t.Changes, t.Rows, t.foreign = Compare(flows, p, asked), fold(flows, p, asked), Shared(flows, p)
	root, ok := flow(flows, rootMail)
	if ok {
		t.root = &root.After
	}
	return t, nil
}

// Unchanged is the plan that leaves the Postfix of s as it is.
func Unchanged(s postfix.State) plan.Plan {
	return plan.Plan{Files: []plan.File{
		{Path: filepath.Join(s.ConfigDir, "main.cf"), Action: plan.Unchanged, After: s.Main.Bytes()},
		{Path: filepath.Join(s.ConfigDir, "master.cf"), Action: plan.Unchanged, After: s.Master.Bytes()},
	}}
}

// answers asks all questions of one configuration.
func answers(ctx context.Context, h *host.Host, name string, s postfix.State, p plan.Plan, list []Question) (routes []Route, err error) {
	name = fmt.Sprintf("%s-%d", name, os.Getpid())
	in, err := instance.Start(ctx, h, instance.Options{Name: name, State: s, Plan: p, Routing: true})
	if err != nil {
		return nil, host.Denied(err)
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	watched, end, err := in.Watch(ctx)
	if errors.Is(err, maillog.ErrNoLog) {
		return ask(ctx, h, in, s, p, list)
	}
	if err != nil {
		return nil, err
	}
	routes, err = ask(watched, h, in, s, p, list)
	if fault := end(); fault != nil && err != nil {
		return nil, fault
	}
	return routes, err
}

func ask(ctx context.Context, h *host.Host, in *instance.Instance, s postfix.State, p plan.Plan, list []Question) ([]Route, error) {
	rs, err := DialMany(ctx, in.Rewrite(), len(list)) // the program starts while postconf is asked
	if err != nil {
		return nil, err
	}
	defer func() { _ = rs.Close() }()
	side, err := newSide(ctx, h, in, s, p)
	if err != nil {
		return nil, err
	}
	senders := make([]string, len(list))
	for i, q := range list {
		senders[i] = q.Sender
		if q.Sender != "" && !strings.Contains(q.Sender, "@") {
			if senders[i], err = rs[0].Rewrite(ctx, q.Sender); err != nil {
				return nil, err
			}
		}
	}
	side.know(senders)
	queued := make([]string, len(list))
	for i, sender := range senders {
		queued[i] = side.canonical(ctx, sender)
	}
	got, err := rs.Resolve(ctx, len(list), func(i int) (sender, recipient string) { return queued[i], list[i].Recipient })
	if err != nil {
		return nil, err
	}
	routes := make([]Route, len(list))
	for i, a := range got {
		routes[i] = side.route(ctx, a, queued[i])
		if leaves := side.generic(ctx, routes[i].Transport, queued[i]); leaves != senders[i] {
			routes[i].Sender = leaves
		}
	}
	return routes, nil
}

// planned is the State as it will be after p, but for Params.
func planned(s postfix.State, p plan.Plan) (postfix.State, error) {
	s.Maps = maps.Clone(s.Maps)
	if s.Maps == nil {
		s.Maps = map[string][]byte{}
	}
	for _, f := range p.Files {
		var err error
		switch base := filepath.Base(f.Path); {
		case f.Action == plan.Remove:
			delete(s.Maps, f.Path)
		case base == "main.cf":
			s.Main, err = postfix.ParseMain(f.After)
		case base == "master.cf":
			s.Master, err = postfix.ParseMaster(f.After)
		default:
			s.Maps[f.Path] = f.After
		}
		if err != nil {
			return s, fmt.Errorf("%s: %w", f.Path, err)
		}
	}
	return s, nil
}
