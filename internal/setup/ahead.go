package setup

import (
	"bytes"
	"context"
	"os"
	"slices"

	"relayhost/detect"
	"relayhost/internal/apply"
	"relayhost/internal/config"
	"relayhost/internal/instance"
	"relayhost/internal/plan"
	"relayhost/internal/smtpprobe"
	"relayhost/relays"
)

// ahead is a rehearsal that has begun while the relay's ports were still being tried: for
// the port that is tried first, with the plan for that. Its message goes as far as the
// login at the relay and waits there (instance.Options.Gate), until the relay has
// accepted login, sender and recipient from our own client, and the plan has been found
// to be in order.
type ahead struct {
	plan    plan.Plan
	cancel  context.CancelFunc
	started chan struct{} // closed when in is there, or will not be
	done    chan struct{} // closed when the message has gone, or will not go

	in      *instance.Instance
	release func() // the lock of the transaction
	list    []message
	sent    []Delivered
	fault   *instance.Fault
	closed  bool
}

// rehearseAhead begins the rehearsal of a setup of one relay with a user name and a
// password, where the plan needs no consent; nil where it is not to begin yet. Whoever gets
// one ends it: by finish, or by close.
func rehearseAhead(ctx context.Context, s Setup, ask Asker) *ahead {
	h := s.Config.First()
	switch {
	case ask.Can(), !s.Agreed, s.DryRun, s.NoVerify, os.Geteuid() != 0, s.Host.Root != "":
		return nil
	case !s.State.Installed, s.State.Main == nil, s.State.Master == nil:
		return nil
	case s.State.SELinux.Enforcing: // smtp(8) may not connect to a process like this one
		return nil
	case h.Relay.ID == relays.SmarthostID: // it may announce no AUTH, and MAIL would follow at once
		return nil
	case h.Name() == "", h.Bridged(), h.ByAPI(), h.Plaintext(), len(h.Relay.Auth.Mechanisms) == 0, config.TakesTokens(h.Relay), s.Config.Several():
		return nil
	}
	s.Config = s.Config.Clone()
	if h = s.Config.First(); h.Port == 0 {
		order := h.Relay.PortOrder()
		if len(order) == 0 {
			return nil
		}
		h.Port = order[0]
		h.TLS, _ = h.Relay.TLSOf(h.Port)
	}
	s.Report = unheard{} // all is said of the plan that is made when the port is known
	s, err := s.Again(ctx, ask, "")
	if err != nil || !s.Plan.Changed() {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	a := &ahead{plan: s.Plan, cancel: cancel, started: make(chan struct{}), done: make(chan struct{})}
	a.list, _ = s.messages(s.Plan, 0)
	go a.run(ctx, s)
	return a
}

func (a *ahead) run(ctx context.Context, s Setup) {
	defer close(a.done)
	err := a.start(ctx, s)
	close(a.started)
	if err == nil {
		a.sent, a.fault = s.sendWatched(ctx, a.in, a.list)
	}
}

// start leaves a.in nil where it fails: the rehearsal that follows says why.
func (a *ahead) start(ctx context.Context, s Setup) error {
	release, err := apply.Lock(ctx, s.Host, apply.Options{ConfigDir: s.State.ConfigDir, StateDir: s.StateDir})
	if err != nil {
		return err
	}
	a.release = release
	a.in, err = instance.Start(ctx, s.Host, instance.Options{State: s.State, Plan: s.Plan, Gate: true})
	return err
}

// fits reports whether it rehearses what p does.
func (a *ahead) fits(p plan.Plan) bool {
	return a != nil && a.plan.Default().Service == p.Default().Service && a.plan.First().NextHop == p.First().NextHop && slices.EqualFunc(a.plan.Files, p.Files, func(x, y plan.File) bool {
		return x.Path == y.Path && x.Action == y.Action && bytes.Equal(x.Before, y.Before) && bytes.Equal(x.After, y.After) &&
			x.Mode == y.Mode && x.UID == y.UID && x.GID == y.GID && x.Map == y.Map && x.Aliases == y.Aliases
	})
}

// finish lets the message go when accepted is closed, and says what became of it. done is
// false where it has not come as far as the login: the rehearsal is to be made then. The
// caller has the lock then, and gives it back; release is nil where it has not.
func (a *ahead) finish(ctx context.Context, s Setup, accepted <-chan struct{}) (release func(), done bool, err error) {
	if !a.fits(s.Plan) {
		return nil, false, a.close()
	}
	select {
	case <-accepted:
	case <-ctx.Done():
		return nil, false, ctx.Err() // Setup.Close ends it, and says what it cannot end
	}
	<-a.started
	if a.in != nil {
		stepRehearsal(s.Report, a.list)
		a.in.Gate.Open()
	}
	select {
	case <-a.done:
	case <-ctx.Done():
	}
	if a.in == nil {
		return nil, false, a.close()
	}
	passed := a.in.Gate.Passed()
	release, a.release = a.release, nil
	cerr := a.close()
	if !passed && ctx.Err() == nil {
		return release, false, cerr
	}
	return release, true, judgeRehearsal(ctx, s, a.sent, a.fault, cerr)
}

// close ends it and removes what it has made. It may be called again, and without one.
func (a *ahead) close() error {
	if a == nil || a.closed {
		return nil
	}
	a.closed = true
	a.cancel()
	<-a.done
	var err error
	if a.in != nil {
		err = a.in.Close()
	}
	if a.release != nil {
		a.release()
	}
	return err
}

// unheard is a Reporter whom nobody listens to.
type unheard struct{}

func (unheard) Step(string, ...any)             {}
func (unheard) Part(string)                     {}
func (unheard) Note(string, ...any)             {}
func (unheard) Warn(string, ...any)             {}
func (unheard) Unproven(string, ...any)         {}
func (unheard) Found(detect.Facts)              {}
func (unheard) Trace() func(smtpprobe.Exchange) { return nil }
