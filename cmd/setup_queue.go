package cmd

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"relayhost/internal/mailaddr"
	"relayhost/internal/postfix"
	"relayhost/internal/smtpprobe"
	"relayhost/internal/ui"
)

// queueChoices are the answers to --queue ask.
var queueChoices = []ui.Option{
	{Value: "send", Text: "send it through the relay"},
	{Value: "hold", Text: "hold it: postsuper -r ALL releases it later"},
}

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
			domains[mailaddr.Domain(r.Address)]++
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
