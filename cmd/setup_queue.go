package cmd

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"relayhost/internal/host"
	"relayhost/internal/maillog"
	"relayhost/internal/postfix"
	"relayhost/internal/smtpprobe"
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

// waitingLine says how much waits, how old it is, from whom and for where.
func waitingLine(waiting []postfix.QueuedMessage) string {
	oldest := time.Now()
	senders, domains := map[string]int{}, map[string]int{}
	for _, m := range waiting {
		if m.Arrival.Before(oldest) {
			oldest = m.Arrival
		}
		senders[m.Sender]++
		for _, r := range m.Recipients {
			domains[domainOf(r.Address)]++
		}
	}
	return fmt.Sprintf("%d message(s) wait in the queue, the oldest for %s, from %s, for %s",
		len(waiting), time.Since(oldest).Round(time.Minute), most(senders, 3), most(domains, 5))
}

// most lists the n names that count most, fit for a terminal: a sender may be
// anything.
func most(count map[string]int, n int) string {
	names := slices.SortedFunc(maps.Keys(count), func(a, b string) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), strings.Compare(a, b))
	})
	if len(names) > n {
		names = append(names[:n], "...")
	}
	return smtpprobe.Sanitize(strings.Join(names, ", "))
}

// toHold lists the queue ids that are to wait on hold, where that was asked for,
// before the relay becomes the way out. What is on hold already is not ours.
func (s *setup) toHold() []string {
	var ids []string
	for _, m := range s.waiting {
		if s.flags.queue == "hold" && m.Queue != "hold" && maillog.IsQueueID(m.ID) {
			ids = append(ids, m.ID)
		}
	}
	return ids
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

// withConfig is the beginning of a Postfix command line for this instance.
func (a *app) withConfig(program string) []string {
	if a.configDir == "" {
		return []string{program}
	}
	return []string{program, "-c", a.configDir}
}
