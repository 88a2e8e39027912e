package verify

import (
	"context"
	"errors"
	"fmt"

	"relayhost/internal/explain"
	"relayhost/internal/smtpprobe"
)

// notProven is what a delivery to the relay leaves open.
const notProven = "not shown by this: whether the account may send to everybody, suppression lists, and the inbox"

// delivery sends the test message through Postfix.
func (r *run) delivery(ctx context.Context) []Finding {
	if r.Mailer == nil || r.From == "" || r.To == "" {
		return skip("delivery", "no sender or recipient is known: name them with --from and --to")
	}
	if !r.State.Running {
		return skip("delivery", "Postfix does not run")
	}
	if users, set := r.State.Params["authorized_submit_users"]; set && users == "" {
		return skip("delivery", "this Postfix takes no mail from sendmail(1) (authorized_submit_users), so that none can be sent through it from here")
	}
	d, err := Proof{
		Mailer: r.Mailer, Reader: r.Reader, Log: r.Log, From: r.From, To: r.To, Header: r.Header,
		Service: r.Service, Host: r.Host, Port: r.Port,
	}.Run(ctx)
	f := Delivered(d, err, explain.RouteOf(r.State), r.signs)
	switch {
	case errors.Is(err, ErrUnproven) && r.LogError != nil:
		f.Detail = fmt.Sprintf("the message left the queue, and no log says where to: %v", r.LogError)
	case err == nil && (r.Simulator || r.Header != "") && r.Relay.Test != nil:
		f.Result, f.Cause = Warn, "simulator"
		f.Detail += "; the service's own test does not show " + r.Relay.Test.NotProven
	case err == nil:
		f.Detail += "; " + notProven
	}
	return []Finding{f}
}

// Delivered is the finding on a proof of delivery: what d and err of Proof.Run
// mean, and what helps. signs of this host choose between causes; they may be
// nil.
func Delivered(d Delivery, err error, route explain.Route, signs explain.Signs) Finding {
	f := Finding{Check: "delivery", Ms: ms(d.Took)}
	switch {
	case err == nil:
		f.Result = Pass
		f.Detail = fmt.Sprintf("%s took the message %s", d.Relay, d.QueueID)
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
		if d.QueueID == "" && !route.State.Running {
			return f.known("postfix_down")
		}
	}
	return f
}

// DeliveryCauses explains why the test message was not delivered.
func DeliveryCauses(d Delivery, signs explain.Signs) []explain.Cause {
	status := fmt.Sprintf("to=<test>, relay=%s, delay=0, delays=0/0/0/0, dsn=%s, status=%s (%s)", d.Relay, d.DSN, d.Status, d.Reply)
	return explain.Decide(explain.Text(smtpprobe.Sanitize(status), nil), signs)
}
