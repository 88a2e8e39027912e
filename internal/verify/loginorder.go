package verify

import (
	"context"
	"slices"
	"strings"

	"relayhost/internal/explain"
	"relayhost/internal/postfix"
	"relayhost/internal/smtpprobe"
)

// turn says who logs in at the first hop before the other, the ladder or
// Postfix. The second one does not when the first was refused: services lock
// accounts that keep trying.
//
// The ladder tries a password once. Postfix tries it at a second address as well
// (smtp_mx_session_limit), so that it goes first only with a password that the
// relay has taken before, while no mail waits for a log-in that was refused; then
// nobody waits for the ladder.
type turn struct {
	postfixFirst bool

	decided chan struct{} // closed when the ladder's log-in has been answered, or will not be tried
	refused bool          // by the relay; written before decided is closed

	delivered chan struct{} // closed when the delivery has ended, or there is none
	said      string        // by the relay to Postfix's log-in, where that was no; written before delivered is closed
}

func newTurn() *turn {
	return &turn{decided: make(chan struct{}), delivered: make(chan struct{})}
}

// decide lets the delivery go on, or not after a refusal.
func (t *turn) decide(refused bool) {
	select {
	case <-t.decided:
	default:
		t.refused = refused
		close(t.decided)
	}
}

// mayDeliver waits until the ladder has logged in, where that is first. false:
// the relay has refused it.
func (t *turn) mayDeliver(ctx context.Context) bool {
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
// relay has refused its log-in, or the time was up before that was known.
func (t *turn) mayLogIn(ctx context.Context) bool {
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

// saidToPostfix is what the relay said to Postfix's log-in, where that was no and
// the delivery has ended.
func (t *turn) saidToPostfix() string {
	select {
	case <-t.delivered:
		return t.said
	default:
		return ""
	}
}

// refusedLately reports whether mail waits because a relay has refused the log-in.
func (t *trial) refusedLately() bool {
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
// deferral that a relay has answered its log-in with no (smtp_sasl_glue.c), now or
// when it last tried (smtp_sasl_auth_cache_name).
func loginRefused(text string) bool {
	said := strings.HasPrefix(text, "SASL authentication failed; server ") || strings.HasPrefix(text, "SASL [CACHED] authentication failed; server ")
	return said && strings.Contains(text, " said: ")
}

// inUse climbs on the port in use and shows what it finds as soon as it is
// known, unless the port is dead: then the others count.
func (l *ladder) inUse(ctx context.Context, p port) port {
	t := withLogin(l.target(l.hop, p), l.hop)
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
		show(l.below(soFar)...)
		shown = true
		return l.mayLogIn(ctx)
	})
	if l.postfixFirst && hungUp(p.result) {
		// It has not waited as long as Postfix took.
		p = l.climb(ctx, l.addrs, p, t, nil)
	}
	l.decide(authRefused(p.result))
	if shown && l.postfixFirst {
		p.refusal = l.saidToPostfix()
	}
	switch {
	case shown:
		show(l.loggedIn(p))
	case l.usable(p.result):
		show(l.rungs(p)...)
	}
	return p
}

// hungUp reports whether a connection that stood still was closed before the
// login.
func hungUp(res smtpprobe.Result) bool {
	closed := res.Fault == smtpprobe.FaultReset || res.Fault == smtpprobe.FaultProtocol || res.Fault == smtpprobe.FaultReply && (res.Code == 421 || res.Code == 451)
	return res.Failed == smtpprobe.StepAuth && closed
}

// postfixRefused is the finding on a log-in that Postfix has tried, and nobody
// after it.
func (l *ladder) postfixRefused(p port) Finding {
	f := Finding{Check: "auth", Result: Fail, Detail: l.at(p.number) + ": Postfix was refused: " + p.refusal}
	f = f.because(explain.Decide(explain.Text(p.refusal, &l.hop.Relay), l.signs))
	return f.Remedied(l.trial.refusal(l.hop, smtpprobe.StepAuth))
}
