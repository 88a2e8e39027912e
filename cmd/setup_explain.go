package cmd

import (
	"fmt"
	"slices"

	"relayhost/detect"
	"relayhost/internal/explain"
	"relayhost/internal/smtpprobe"
	"relayhost/internal/verify"
)

// explained adds cause and remedy of a line that Postfix logged or a relay said.
func (s *setup) explained(err error, text string) error {
	causes := explain.Text(text, &s.answers.Relay)
	return s.remedied(err, explain.Decide(causes, explain.Inspect(s.state, s.answers.From)))
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
	s.doc.Verification = &verify.Report{Version: 1, Result: verify.Fail, Findings: []verify.Finding{{
		Check: checkOf(c.Phase), Result: verify.Fail, Detail: err.Error(), Cause: c.ID, Remedy: c.Remedy, Command: c.Command,
	}}}
	remedy := c.Remedy
	if c.Command != "" {
		remedy += "\n  " + c.Command
	}
	return hint(fmt.Errorf("%w\ncause: %s", err, c.Title), "%s", remedy)
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
