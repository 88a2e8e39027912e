package setup

import (
	"context"

	"relayhost/internal/host"
	"relayhost/internal/maillog"
	"relayhost/internal/postfix"
)

// maxRetried bounds how many messages are asked for again at once; Postfix
// retries the rest by itself.
const maxRetried = 100

// Queue is the mail that waits in the queue and what is to become of it.
type Queue struct {
	Messages []postfix.QueuedMessage
	Fate     string // send | hold | ask, where nobody was asked
}

// ToHold lists the queue ids that are to wait on hold, where that was asked for,
// before the relay becomes the way out. What is on hold already is not ours.
func (w Queue) ToHold() []string {
	var ids []string
	for _, m := range w.Messages {
		if w.Fate == "hold" && m.Queue != "hold" && maillog.IsQueueID(m.ID) {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// Retry retries what was deferred, message by message: flushing the whole
// queue would try every dead destination as well.
func (w Queue) Retry(ctx context.Context, deps Deps) {
	if w.Fate == "hold" {
		return
	}
	for i, m := range w.Messages {
		if i == maxRetried {
			deps.Report.Note("the other %d message(s) are retried by Postfix itself", len(w.Messages)-i)
			return
		}
		if m.Queue != "deferred" {
			continue
		}
		args := withConfig(deps.ConfigDir, "postqueue", "-i", m.ID)
		if _, err := deps.Host.Run(ctx, host.Command{Args: args}); err != nil {
			deps.Report.Warn("%v", err)
			return
		}
	}
}

// withConfig is a command line of Postfix for the instance in dir.
func withConfig(dir, program string, args ...string) []string {
	if dir != "" {
		args = append([]string{"-c", dir}, args...)
	}
	return append([]string{program}, args...)
}
