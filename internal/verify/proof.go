package verify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"relayhost/internal/host"
	"relayhost/internal/mailaddr"
	"relayhost/internal/maillog"
)

// Why a proof of delivery is none. Errors of Proof.Run wrap one of them.
var (
	ErrRefused   = errors.New("the message was not delivered")         // deferred or bounced; Delivery says why
	ErrElsewhere = errors.New("the message left by another way")       // local, another port, another relay
	ErrThrottled = errors.New("the service of the relay dies")         // no status line will come
	ErrNoTrace   = errors.New("Postfix has not reported on a message") // nothing in the log within the time
	ErrUnproven  = errors.New("no log shows where the message went")   // there is no log, and it left the queue
)

// Proof sends one message through Postfix and follows it to the relay's own
// 250. It leaves no message behind.
type Proof struct {
	Mailer Mailer
	Reader *host.Reader
	Log    *maillog.Log // nil: there is none, the queue is watched instead

	From, To string
	Header   string // a header line of the relay's own for tests; "" for none

	// Release says that the instance is our own: what its cleanup(8) puts on hold is
	// released, as a scanner of the hold queue does in the server's.
	Release bool

	// Patience is how long a relay that says "later", and means it, is tried
	// again; 0 takes the first answer.
	Patience time.Duration

	// What a delivery must show to count: the relay's entry in master.cf, as
	// in "relayhost-ses", and the next hop. Service "" takes any smtp(8).
	Service string
	Host    string
	Port    int
	Socket  string // in place of Host and Port: that of the bridge that Postfix hands the message to
}

// cleanTimeout bounds the removal of a message after a failed proof, which
// happens even when the proof was cancelled.
const cleanTimeout = 15 * time.Second

// Run sends the message and waits until its fate is known or ctx ends. err is
// nil only if smtp(8) of the service has sent it to the expected host and port, or
// lmtp(8) to the expected bridge, whose reply is the relay's.
func (p Proof) Run(ctx context.Context) (d Delivery, err error) {
	for _, addr := range []string{p.From, p.To} {
		if err := mailaddr.CheckPath(addr); err != nil {
			return d, err
		}
	}
	start := time.Now()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t := &tracker{proof: p, messageID: newMessageID(p.From), until: start.Add(p.Patience)}
	var lines <-chan maillog.Line
	if p.Log != nil {
		// The log is followed before anything is sent, so that no line is missed.
		if lines, err = p.Log.Follow(ctx, p.Reader); err != nil {
			return d, fmt.Errorf("follow %s: %w", p.Log, err)
		}
		// Stop the follower and wait for it on the way out.
		defer func() {
			cancel()
			for range lines {
			}
		}()
	}
	err = p.Mailer.Send(ctx, p.From, p.To, testMessage(t.messageID, p.From, p.To, p.Header, start))
	if err == nil && lines != nil {
		err = t.follow(ctx, lines)
	} else if err == nil {
		err = t.watchQueue(ctx, start)
	}
	if err != nil {
		err = errors.Join(err, p.clean(ctx, t, start))
	}
	t.delivery.MessageID = t.messageID
	t.delivery.Took = time.Since(start)
	return t.delivery, err
}

// clean takes our message off the queue, under each queue id that it has had.
func (p Proof) clean(ctx context.Context, t *tracker, start time.Time) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanTimeout)
	defer cancel()
	var errs []error
	for _, id := range t.queueIDs {
		errs = append(errs, p.Mailer.Delete(ctx, id, t.messageID))
	}
	// A copy that was never logged, or that waits in maildrop. It may be on its
	// way from one queue to the next, so look again.
	for range 3 {
		m, ok, err := p.Mailer.Find(ctx, t.messageID, start)
		if err != nil {
			errs = append(errs, err)
		}
		if !ok {
			break
		}
		errs = append(errs, p.Mailer.Delete(ctx, m.ID, t.messageID))
	}
	return errors.Join(errs...)
}
