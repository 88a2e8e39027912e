package cmd

import (
	"fmt"
	"slices"
	"strings"

	"relayhost/detect"
	"relayhost/internal/explain"
	"relayhost/internal/plan"
	"relayhost/internal/smtpprobe"
	"relayhost/internal/verify"
	"relayhost/relays"
)

// subject is what a proof was about: one hop, and the sender that it was tried
// with.
type subject struct {
	route string // "" where there is one way only
	relay relays.Relay
	from  string
}

// delivered is the finding on a proof of delivery.
func (s *setup) delivered(on subject, d verify.Delivery, err error) verify.Finding {
	f := verify.Delivered(d, err, explain.RouteOf(s.state), explain.Inspect(s.state, on.from))
	f.Route = on.route
	if err == nil {
		f = f.Showing(on.relay, s.answers.To)
	}
	return f
}

// explainedDelivery adds cause and remedy of a proof that failed.
func (s *setup) explainedDelivery(err error, on subject, d verify.Delivery, cause error) error {
	f := s.delivered(on, d, cause)
	f.Detail = err.Error()
	if queueFull(err) {
		f.Remedy = "The disk that the queue is on is full; the relay has not been asked. Free some space there, then run setup again."
		f.Command = "df -h " + first(s.state.Params["queue_directory"], "/var/spool/postfix")
	}
	return s.found(err, f.Remedied(s.refusal(on, verify.StepOf(d.Reply))))
}

// queueFull reports whether Postfix itself had no room for a message (postdrop(1),
// sendmail(1)).
func queueFull(err error) bool {
	text := err.Error()
	return strings.Contains(text, "hand the test message to Postfix") && (strings.Contains(text, "No space left on device") ||
		strings.Contains(text, "Insufficient system storage") || strings.Contains(text, "queue file write error"))
}

// explainedProbe adds cause and remedy of a probe that failed.
func (s *setup) explainedProbe(err error, on subject, res smtpprobe.Result) error {
	causes := explain.Probe(res, &on.relay)
	if len(causes) == 0 {
		f := verify.Finding{Check: "delivery", Route: on.route, Result: verify.Fail, Detail: err.Error()}
		return s.found(err, f.Remedied(s.refusal(on, res.Failed)))
	}
	return s.remedied(err, on, causes)
}

func (s *setup) remedied(err error, on subject, causes []explain.Cause) error {
	if len(causes) == 0 {
		return err
	}
	c := causes[0]
	return s.found(err, verify.Finding{
		Check: checkOf(c.Phase), Route: on.route, Result: verify.Fail, Detail: err.Error(), Cause: c.ID, Remedy: c.Remedy, Command: c.Command,
	})
}

// found puts a finding into the document and its remedy behind the error.
func (s *setup) found(err error, f verify.Finding) error {
	report := verify.NewReport([]verify.Finding{f})
	s.doc.Verification = &report
	if c, ok := explain.ByID(f.Cause); ok {
		err = fmt.Errorf("%w\ncause: %s", err, c.Title)
	}
	if c, ok := explain.ByID(f.Cause); ok && c.Retry == "wait" {
		// Nothing of ours is left that would try again.
		f.Remedy, f.Command = "Wait some minutes, then run setup again.", ""
	}
	if f.Remedy == "" {
		return err
	}
	remedy := f.Remedy
	if f.Command != "" {
		remedy += "\n  " + f.Command
	}
	return hint(err, "%s", remedy)
}

// refusal is what a relay does not take of what was about on.
func (s *setup) refusal(on subject, step smtpprobe.Step) verify.Refusal {
	return verify.Refusal{Step: step, Relay: on.relay, Route: on.route, From: on.from, To: s.answers.To}
}

// checkOf is the check of verify that a phase of the failure catalogue
// belongs to.
func checkOf(phase string) string {
	if slices.Contains([]string{"dns", "connect", "tls", "auth"}, phase) {
		return phase
	}
	return "delivery"
}

// explainedPorts adds the cause why no port gets through: that of the first.
func (s *setup) explainedPorts(err error, h plan.Hop, tried []detect.Submission) error {
	on := subject{relay: h.Relay, from: s.answers.From}
	for _, t := range tried {
		res := smtpprobe.Result{Failed: smtpprobe.Step(t.Step), Fault: smtpprobe.Fault(t.Result), Err: err}
		causes := explain.Probe(res, &h.Relay)
		if res.Fault == smtpprobe.FaultReply { // its code is in the text alone
			if known := explain.Text(t.Detail, &h.Relay); len(known) > 0 {
				causes = known
			}
		}
		if len(causes) > 0 {
			return s.remedied(err, on, causes)
		}
	}
	if len(tried) == 0 {
		return err
	}
	f := verify.Finding{Check: "connect", Result: verify.Fail, Detail: err.Error()}
	return s.found(err, f.Remedied(s.refusal(on, smtpprobe.Step(tried[0].Step))))
}
