package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/config"
	"relayhost/internal/explain"
	"relayhost/internal/smtpprobe"
	"relayhost/relays"
)

// notProven is what a delivery to the relay leaves open.
const notProven = "not tested: whether the account may send to everybody, suppression lists, the inbox"

// deliveryTimeout bounds one proof of delivery.
const deliveryTimeout = 60 * time.Second

// delivery sends the test message of the route through Postfix.
func (t *routeCheck) delivery(ctx context.Context) []Finding {
	first := t.route.Hops[0]
	switch {
	case t.Mailer == nil || t.route.From == "" || t.To == "":
		return skip("delivery", "no sender or recipient is known: name them with --from and --to")
	case !t.State.Running:
		return skip("delivery", "Postfix does not run")
	case len(t.route.Senders) > 0 && config.ProofSender(t.route.Senders) == "":
		return skip("delivery", "this route has bounces alone, and the test message has a sender")
	}
	if users, set := t.State.Params["authorized_submit_users"]; set && users == "" {
		return skip("delivery", "authorized_submit_users is empty: this Postfix accepts no mail from sendmail(1), so no test message can be sent")
	}
	if !t.mayDeliver(ctx) {
		return skip("delivery", "not tried, because the relay refuses the login: relay services lock accounts after repeated failures")
	}
	d, err := t.send(ctx, first)
	t.said = d.LoginRefused
	f := Delivered(d, err, t.State.Running, t.signs)
	switch hop := tookOver(t.route, d); {
	case errors.Is(err, ErrElsewhere) && hop != "":
		f = Finding{Check: "delivery", Result: Warn, Ms: f.Ms, Cause: "fallback_used",
			Detail: fmt.Sprintf("the fallback %s accepted the message %s, because %s did not", hop, d.QueueID, first.shown()),
			Remedy: "Fix the first hop; until then mail leaves through the fallback."}
	case errors.Is(err, ErrRefused) && t.otherService(d):
		f = f.known("override_elsewhere") // whatever that one has met
	case errors.Is(err, ErrUnproven) && t.LogError != nil:
		f.Detail = fmt.Sprintf("the message left the queue, and no log says where to: %v", t.LogError)
	case err == nil:
		f = f.Showing(*first.Relay, t.To)
	}
	if errors.Is(err, ErrRefused) {
		refused := t.refusal(first, StepOf(d.Reply))
		refused.Here = d.Relay == "none"
		f = f.Remedied(refused)
	}
	return []Finding{f}
}

// otherService reports whether another service than that of the route has tried a delivery,
// to which Postfix sends what should go to the relay.
func (t *routeCheck) otherService(d Delivery) bool {
	return d.Service != "" && !strings.Contains(d.Service, "/"+t.route.Service+"/") && t.route.Hops[0].elsewhere(t.asConfigured())
}

// Showing adds to the finding on a message that relay has taken what that leaves
// open. The service's own simulator takes messages that real recipients never
// get, and so it is a warning.
func (f Finding) Showing(relay relays.Relay, to string) Finding {
	if !Simulator(relay, to) {
		f.Detail += "; " + notProven
		return f
	}
	f.Result, f.Cause = Warn, "simulator"
	f.Detail += "; the relay's own test address does not show " + relay.Test.NotProven
	f.Remedy = "Test with a mailbox of your own as well: relayhost verify --to ADDRESS."
	return f
}

// Simulator reports whether an address is the service's own for tests.
func Simulator(relay relays.Relay, to string) bool {
	return relay.Test != nil && relay.Test.Recipient != "" && strings.EqualFold(to, relay.Test.Recipient)
}

// send waits for a free place, and then until the fate of the message is known.
func (t *routeCheck) send(ctx context.Context, first Hop) (Delivery, error) {
	select {
	case t.slots <- struct{}{}:
		defer func() { <-t.slots }()
	case <-ctx.Done():
		return Delivery{}, fmt.Errorf("%w: %w", ErrNoTrace, context.Cause(ctx))
	}
	ctx, cancel := context.WithTimeout(ctx, deliveryTimeout)
	defer cancel()
	return Proof{
		Mailer: t.Mailer, Reader: t.Reader, Log: t.Log, From: t.route.From, To: t.To,
		Service: t.route.Service, Host: first.Host, Port: first.Port, Socket: first.Socket,
	}.Run(ctx)
}

// tookOver is the fallback that has taken the message, "" for none.
func tookOver(route Route, d Delivery) string {
	if host, _, ok := conf.TookOver(d.Reply); ok && d.Status == "sent" && route.Hops[0].Socket != "" {
		return smtpprobe.Sanitize(host)
	}
	if d.Status != "sent" || !strings.HasSuffix(d.Service, "/"+route.Service+"/smtp") {
		return ""
	}
	i := slices.IndexFunc(route.Hops[1:], func(h Hop) bool {
		return strings.HasPrefix(strings.ToLower(d.Relay), strings.ToLower(h.Host)+"[") && strings.HasSuffix(d.Relay, fmt.Sprintf("]:%d", h.Port))
	})
	if i < 0 {
		return ""
	}
	return route.Hops[1+i].nextHop()
}

// Delivered is the finding on a proof of delivery: what d and err of Proof.Run
// mean, and what helps. running says that Postfix runs; signs of this host choose between
// causes, and may be nil.
func Delivered(d Delivery, err error, running bool, signs explain.Signs) Finding {
	f := Finding{Check: "delivery", Ms: ms(d.Took)}
	switch {
	case err == nil:
		f.Result = Pass
		f.Detail = fmt.Sprintf("%s accepted the message %s", d.Relay, d.QueueID)
		if d.RemoteID != "" {
			f.Detail += " as " + d.RemoteID
		}
		return f
	case errors.Is(err, ErrUnproven):
		f.Result, f.Detail, f.Cause = Warn, err.Error(), "no_log"
		f.Remedy, f.Command = "Let Postfix log into a file.", "postconf -e 'maillog_file = /var/log/mail.log' && postfix stop && postfix start"
		return f
	}
	f.Result, f.Detail = Fail, err.Error()
	switch {
	case errors.Is(err, ErrRefused):
		return f.because(DeliveryCauses(d, signs))
	case errors.Is(err, ErrElsewhere):
		return f.known("override_elsewhere")
	case errors.Is(err, ErrThrottled):
		causes := explain.Decide(explain.Text(d.Throttled, nil), signs)
		if len(causes) == 0 {
			return f.known("service_throttled")
		}
		return f.because(causes)
	case errors.Is(err, ErrNoTrace):
		f.Cause, f.Remedy, f.Command = "no_trace", "Look at the queue and at the end of the mail log.", "postqueue -p"
		if d.QueueID == "" && !running {
			return f.known("postfix_down")
		}
	default: // it never got as far as the relay
		f = f.because(explain.Decide(explain.Text(smtpprobe.Sanitize(err.Error()), nil), signs))
		if f.Remedy == "" {
			f.Cause, f.Remedy, f.Command = "not_queued", "Postfix itself rejected the message: see the end of the mail log.", "relayhost explain"
		}
	}
	return f
}

// DeliveryCauses explains why the test message was not delivered.
func DeliveryCauses(d Delivery, signs explain.Signs) []explain.Cause {
	status := fmt.Sprintf("to=<test>, relay=%s, delay=0, delays=0/0/0/0, dsn=%s, status=%s (%s)", d.Relay, d.DSN, d.Status, d.Reply)
	return explain.Decide(explain.Text(smtpprobe.Sanitize(status), nil), signs)
}
