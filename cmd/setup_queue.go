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

// waiting is the mail that waits in the queue and what is to become of it.
type waiting struct {
	messages []postfix.QueuedMessage
	fate     string // send | hold | ask, where nobody was asked
}

// toHold lists the queue ids that are to wait on hold, where that was asked for,
// before the relay becomes the way out. What is on hold already is not ours.
func (w waiting) toHold() []string {
	var ids []string
	for _, m := range w.messages {
		if w.fate == "hold" && m.Queue != "hold" && postfix.IsQueueID(m.ID) {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// retry retries what was deferred, message by message: flushing the whole
// queue would try every dead destination as well.
func (w waiting) retry(ctx context.Context, a *app) {
	if w.fate == "hold" {
		return
	}
	for i, m := range w.messages {
		if i == maxRetried {
			a.io.Say("the other %d message(s) are retried by Postfix itself", len(w.messages)-i)
			return
		}
		if m.Queue != "deferred" {
			continue
		}
		args := append(a.withConfig("postqueue"), "-i", m.ID)
		if _, err := a.host.Run(ctx, host.Command{Args: args}); err != nil {
			a.io.Say("warning: %v", err)
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
