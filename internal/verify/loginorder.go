package verify

import (
	"context"
	"slices"
	"strings"

	"relayhost/internal/explain"
	"relayhost/internal/postfix"
	"relayhost/internal/smtpprobe"
)

// loginOrder says who logs in at the first hop before the other, verify or
// Postfix. The second one does not when the first was refused: services lock
// accounts that keep trying.
//
// Verify tries a password once. Postfix tries it at a second address as well
// (smtp_mx_session_limit), so that it goes first only with a password that the
// relay has taken before, while no mail waits for a login that was refused; then
// nobody waits for verify.
type loginOrder struct {
	postfixFirst bool

	decided chan struct{} // closed when verify's login has been answered, or will not be tried
	refused bool          // by the relay; written before decided is closed

	delivered chan struct{} // closed when the delivery has ended, or there is none
	said      string        // by the relay to Postfix's login, where that was no; written before delivered is closed
}

func newLoginOrder() *loginOrder {
	return &loginOrder{decided: make(chan struct{}), delivered: make(chan struct{})}
}

// decide lets the delivery go on, or not after a refusal.
func (t *loginOrder) decide(refused bool) {
	select {
	case <-t.decided:
	default:
		t.refused = refused
		close(t.decided)
	}
}

// mayDeliver waits until verify has logged in, where that is first. false:
// the relay has refused it.
func (t *loginOrder) mayDeliver(ctx context.Context) bool {
	if t.postfixFirst {
		return true
	}
	select {
	case <-t.decided:
		return !t.refused
	case <-ctx.Done():
		return true // it ends by itself
	}
}

// mayLogIn waits until Postfix has delivered, where that is first. false: the
// relay has refused its login, or the time was up before that was known.
func (t *loginOrder) mayLogIn(ctx context.Context) bool {
	if !t.postfixFirst {
		return true
	}
	select {
	case <-t.delivered:
		return t.said == ""
	case <-ctx.Done():
		return false
	}
}

// saidToPostfix is what the relay said to Postfix's login, where that was no and
// the delivery has ended.
func (t *loginOrder) saidToPostfix() string {
	select {
	case <-t.delivered:
		return t.said
	default:
		return ""
	}
}

// refusedLately reports whether mail waits because a relay has refused the login.
func (t *routeCheck) refusedLately() bool {
	if !t.State.Installed || !t.State.Running {
		return false
	}
	messages, _ := t.waiting() // what can be read of them
	return slices.ContainsFunc(messages, func(m postfix.QueuedMessage) bool {
		return slices.ContainsFunc(m.Recipients, func(r postfix.QueuedRecipient) bool {
			return loginRefused(strings.TrimPrefix(r.Reason, "delivery temporarily suspended: "))
		})
	})
}

// loginRefused reports whether Postfix says in a log line or as the reason of a
// deferral that a relay has answered its login with no (smtp_sasl_glue.c), now or
// when it last tried (smtp_sasl_auth_cache_name).
func loginRefused(text string) bool {
	said := strings.HasPrefix(text, "SASL authentication failed; server ") || strings.HasPrefix(text, "SASL [CACHED] authentication failed; server ")
	return said && strings.Contains(text, " said: ")
}

// inUse probes the port in use and shows what it finds as soon as it is
// known, unless the port is dead: then the others count.
func (l *hopCheck) inUse(ctx context.Context, p port) port {
	t := withLogin(target(l.State, l.hop, p), l.hop)
	shown := false
	show := func(findings ...Finding) {
		for _, f := range findings {
			l.found(f)
		}
	}
	p = l.login(ctx, l.hop, l.addrs, p, t, func(ctx context.Context, soFar port) bool {
		if !l.usable(soFar.result) {
			return true // and fails for want of a mechanism
		}
		show(l.below(ctx, soFar)...)
		shown = true
		return l.mayLogIn(ctx)
	})
	if l.postfixFirst && hungUp(p.result) {
		// It has not waited as long as Postfix took.
		p = l.probePort(ctx, l.addrs, p, t, nil)
	}
	l.decide(authRefused(p.result))
	if shown && l.postfixFirst {
		p.refusal = l.saidToPostfix()
	}
	switch {
	case shown:
		show(l.loggedIn(p))
	case l.usable(p.result):
		show(l.upToLogin(ctx, p)...)
	}
	return p
}

// hungUp reports whether a connection that stood still was closed before the
// login.
func hungUp(res smtpprobe.Result) bool {
	closed := res.Fault == smtpprobe.FaultReset || res.Fault == smtpprobe.FaultProtocol || res.Fault == smtpprobe.FaultReply && (res.Code == 421 || res.Code == 451)
	return res.Failed == smtpprobe.StepAuth && closed
}

// postfixRefused is the finding on a login that Postfix has tried, and nobody
// after it.
func (l *hopCheck) postfixRefused(p port) Finding {
	f := Finding{Check: "auth", Result: Fail, Detail: l.at(p.number) + ": Postfix was refused: " + p.refusal}
	f = f.because(explain.Decide(explain.Text(p.refusal, l.hop.Relay), l.signs))
	return f.Remedied(l.routeCheck.refusal(l.hop, smtpprobe.StepAuth))
}
