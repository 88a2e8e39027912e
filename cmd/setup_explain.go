package cmd

import (
	"fmt"
	"slices"

	"relayhost/detect"
	"relayhost/internal/explain"
	"relayhost/internal/smtpprobe"
	"relayhost/internal/verify"
)

// delivered is the finding on a proof of delivery.
func (s *setup) delivered(d verify.Delivery, err error) verify.Finding {
	return verify.Delivered(d, err, explain.RouteOf(s.state), explain.Inspect(s.state, s.answers.From))
}

// explainedDelivery adds cause and remedy of a proof that failed.
func (s *setup) explainedDelivery(err error, d verify.Delivery, cause error) error {
	f := s.delivered(d, cause)
	f.Detail = err.Error()
	return s.found(err, f)
}

// explainedProbe adds cause and remedy of a probe that failed.
func (s *setup) explainedProbe(err error, res smtpprobe.Result) error {
	return s.remedied(err, explain.Probe(res, &s.answers.Relay))
}

func (s *setup) remedied(err error, causes []explain.Cause) error {
	if len(causes) == 0 {
		return err
	}
	c := causes[0]
	return s.found(err, verify.Finding{
		Check: checkOf(c.Phase), Result: verify.Fail, Detail: err.Error(), Cause: c.ID, Remedy: c.Remedy, Command: c.Command,
	})
}

// found puts a finding into the document and its remedy behind the error.
func (s *setup) found(err error, f verify.Finding) error {
	report := verify.NewReport([]verify.Finding{f})
	s.doc.Verification = &report
	if c, ok := explain.ByID(f.Cause); ok {
		err = fmt.Errorf("%w\ncause: %s", err, c.Title)
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

// checkOf is the check of verify that a phase of the failure catalogue
// belongs to.
func checkOf(phase string) string {
	if slices.Contains([]string{"dns", "connect", "tls", "auth"}, phase) {
		return phase
	}
	return "delivery"
}

// explainedPorts adds the cause why no port gets through: that of the first.
func (s *setup) explainedPorts(err error, tried []detect.Submission) error {
	for _, t := range tried {
		causes := explain.Probe(smtpprobe.Result{Failed: smtpprobe.Step(t.Step), Fault: smtpprobe.Fault(t.Result), Text: t.Detail, Err: err}, &s.answers.Relay)
		if len(causes) > 0 {
			return s.remedied(err, causes)
		}
	}
	return err
}
