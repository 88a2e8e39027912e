package cmd

import (
	"fmt"

	"relayhost/internal/smtpprobe"
)

// explained adds what to do about a reply or a fault.
func (s *setup) explained(err error, reply string) error {
	if r, ok := s.answers.Relay.MatchReply(reply); ok {
		return hint(fmt.Errorf("%w\n%s", err, r.Cause), "%s", r.Remedy)
	}
	return hint(err, "relayhost explain %q says more", smtpprobe.Sanitize(reply))
}
