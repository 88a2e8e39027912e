package verify

import (
	"context"
	"fmt"

	"relayhost/internal/explain"
	"relayhost/internal/smtpprobe"
)

// fallback checks a hop that is the fallback of another. No message goes there:
// sender and recipient are offered, and the connection ends. What is wrong is a
// warning, since mail leaves by the first hop; not so what would destroy mail as
// soon as the hop is needed.
func (l *hopCheck) fallback(ctx context.Context) []Finding {
	if f := l.names(ctx); f != nil {
		return []Finding{asWarning(*f)}
	}
	if !l.signIn(ctx) {
		return nil
	}
	p := port{number: l.hop.Port, implicit: implicit(l.hop.TLS)}
	t := withLogin(target(l.State, l.hop, p), l.hop)
	envelope := l.route.From != "" && l.To != ""
	if envelope {
		t.Until, t.MailFrom, t.RcptTo, t.Timeout = smtpprobe.StepRcpt, l.route.From, l.To, loginTimeout
	}
	p = l.login(ctx, l.hop, l.addrs, p, t, nil)
	findings := l.upToLogin(ctx, p)
	for i, f := range findings {
		findings[i] = asWarning(f)
	}
	switch {
	case p.result.Failed == smtpprobe.StepMail, p.result.Failed == smtpprobe.StepRcpt, p.result.Reached == smtpprobe.StepRcpt:
		findings = append(findings, l.accepts(p.result))
	case !envelope && l.usable(p.result):
		findings = append(findings, Finding{Check: "delivery", Result: Skip,
			Detail: l.about("no sender or recipient is known to ask it about: name them with --from and --to")})
	}
	return findings
}

// asWarning turns a failure of a fallback into the warning that it is.
func asWarning(f Finding) Finding {
	if f.Result == Fail {
		f.Result = Warn
	}
	return f
}

// accepts is the finding on what a fallback says to sender and recipient.
func (l *hopCheck) accepts(res smtpprobe.Result) Finding {
	f := Finding{Check: "delivery", Result: Pass, Ms: ms(res.Total),
		Detail: fmt.Sprintf("%s accepts mail from %s to %s; nothing was sent through it", l.at(l.hop.Port), l.route.From, l.To)}
	if res.Err == nil {
		return f
	}
	f.Detail = l.about(fmt.Sprint(res.Err))
	f.Result = Warn
	if res.Code/100 == 5 {
		f.Result = Fail
		f.Detail += "; mail that fails over to it would bounce"
	}
	f = f.because(explain.Decide(explain.Probe(res, l.hop.Relay), l.signs))
	if f.Remedy == "" {
		f.Remedy = fmt.Sprintf("Verify %s at %s, or remove the fallback and run setup again.", l.route.From, l.hop.Relay.Name)
	}
	return f
}
