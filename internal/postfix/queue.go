package postfix

import (
	"context"
	"time"

	"relayhost/internal/host"
)

// QueuedMessage is one message in the queue (postqueue(1), -j).
type QueuedMessage struct {
	Queue      string // active | deferred | hold | incoming | maildrop
	ID         string
	Arrival    time.Time
	Size       int64
	Sender     string
	Recipients []QueuedRecipient
}

// QueuedRecipient is a recipient and why it was delayed.
type QueuedRecipient struct{ Address, Reason string }

// ReadQueue lists the queue of the instance in configDir.
func ReadQueue(ctx context.Context, r *host.Reader, configDir string) ([]QueuedMessage, error) {
	panic("not written yet")
}
