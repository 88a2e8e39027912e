package cmd

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"relayhost/internal/host"
	"relayhost/internal/postfix"
	"relayhost/internal/ui"
)

// queueChoices are the answers to --queue ask.
var queueChoices = []ui.Option{
	{Value: "send", Text: "send it through the relay"},
	{Value: "hold", Text: "hold it: postsuper -r ALL releases it later"},
}

// maxRetried bounds how many messages are asked for again at once; Postfix
// retries the rest by itself.
const maxRetried = 100

// waitingLine says how much waits, how old it is, and for whom.
func waitingLine(waiting []postfix.QueuedMessage) string {
	oldest := time.Now()
	count := map[string]int{}
	for _, m := range waiting {
		if m.Arrival.Before(oldest) {
			oldest = m.Arrival
		}
		for _, r := range m.Recipients {
			count[domainOf(r.Address)]++
		}
	}
	domains := make([]string, 0, len(count))
	for d := range count {
		domains = append(domains, d)
	}
	slices.SortFunc(domains, func(a, b string) int {
		if count[a] != count[b] {
			return count[b] - count[a]
		}
		return strings.Compare(a, b)
	})
	if len(domains) > 5 {
		domains = append(domains[:5], "...")
	}
	return fmt.Sprintf("%d message(s) wait in the queue, the oldest for %s, for %s",
		len(waiting), time.Since(oldest).Round(time.Minute), strings.Join(domains, ", "))
}

// holdQueue keeps what waits from going through the relay, where that was
// asked for, before the relay becomes the way out.
func (s *setup) holdQueue(ctx context.Context) error {
	if s.flags.queue != "hold" {
		return nil
	}
	for _, m := range s.waiting {
		if m.Queue != "hold" && postfix.IsQueueID(m.ID) {
			s.held = append(s.held, m.ID)
		}
	}
	err := s.postsuper(ctx, "-h", s.held)
	if err != nil {
		// It may have come half way.
		s.releaseQueue(context.WithoutCancel(ctx))
	}
	return err
}

// releaseQueue takes holdQueue back when the set-up was rolled back.
func (s *setup) releaseQueue(ctx context.Context) {
	if err := s.postsuper(ctx, "-H", s.held); err != nil {
		s.io.Say("warning: %d message(s) stay on hold, postsuper -H releases them: %v", len(s.held), err)
	}
	s.held = nil
}

// sendQueue retries what was deferred, message by message: flushing the whole
// queue would try every dead destination as well.
func (s *setup) sendQueue(ctx context.Context) {
	if s.flags.queue == "hold" {
		return
	}
	for i, m := range s.waiting {
		if i == maxRetried {
			s.io.Say("the other %d message(s) are retried by Postfix itself", len(s.waiting)-i)
			return
		}
		if m.Queue != "deferred" {
			continue
		}
		args := append(s.withConfig("postqueue"), "-i", m.ID)
		if _, err := s.host.Run(ctx, host.Command{Args: args}); err != nil {
			s.io.Say("warning: %v", err)
			return
		}
	}
}

// postsuper hands the queue ids over by standard input (postsuper(1), "-"): a
// queue may be longer than a command line.
func (s *setup) postsuper(ctx context.Context, action string, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	return s.runPostfix(ctx, host.Command{
		Args: append(s.withConfig("postsuper"), action, "-"), Stdin: []byte(strings.Join(ids, "\n") + "\n"),
	})
}

// withConfig is the beginning of a Postfix command line for this instance.
func (a *app) withConfig(program string) []string {
	if a.configDir == "" {
		return []string{program}
	}
	return []string{program, "-c", a.configDir}
}
