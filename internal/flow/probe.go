package flow

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"relayhost/internal/instance"
	"relayhost/internal/smtpprobe"
)

// ErrUndeliverable is in the error chain of a [Probe] whose address smtp(8) could not
// deliver to.
var ErrUndeliverable = errors.New("the address probe failed")

// ProbeParams are the parameters of an instance whose addresses [Probe] asks for: the
// sender of the probes, and the routes of ordinary mail. A probe ends after RCPT
// (smtp_address_verify_target), so that no message reaches anybody. The parameters
// are those of ADDRESS_VERIFICATION_README and verify(8).
func ProbeParams(sender string) map[string]string {
	p := map[string]string{
		"address_verify_sender": sender, "address_verify_sender_ttl": "0s", "address_verify_map": "",
		"address_verify_negative_cache": "yes", "smtp_address_verify_target": "rcpt",
	}
	for _, name := range []string{"transport_maps", "default_transport", "relayhost", "relay_transport", "local_transport", "virtual_transport",
		"sender_dependent_relayhost_maps", "sender_dependent_default_transport_maps"} {
		p["address_verify_"+name] = "$" + name
	}
	return p
}

// Status of an address (deliver_request.h in Postfix).
const (
	statusOK   = 0
	statusTodo = 3
)

// probeTime bounds a probe, and probePause is how often its result is asked for.
const (
	probeTime  = 30 * time.Second
	probePause = 50 * time.Millisecond
)

// Probe has the verify(8) of an instance with [ProbeParams] find out whether mail to
// an address can be delivered: its smtp(8) connects, starts TLS, logs in and gives MAIL
// and RCPT by the route of that address, and ends there.
func Probe(ctx context.Context, in *instance.Instance, to string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, probeTime, errors.New("verify(8) has no result"))
	defer cancel()
	r, err := Dial(ctx, in.Verify())
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	for {
		status, reason, err := r.verify(ctx, to)
		if err != nil {
			return err
		}
		switch status {
		case statusOK:
			return nil
		case statusTodo:
		default:
			return fmt.Errorf("%w: %s: %s", ErrUndeliverable, to, smtpprobe.Sanitize(reason))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %s: %w", ErrUndeliverable, to, context.Cause(ctx))
		case <-time.After(probePause):
		}
	}
}

// verify asks verify(8) for the status of an address; the first question has it look.
func (r *Rewriter) verify(ctx context.Context, address string) (status int, reason string, err error) {
	got, err := r.ask(ctx, attribute{"request", "query"}, attribute{"address", address})
	if err != nil {
		return 0, "", fmt.Errorf("verify %s: %w", address, err)
	}
	status = -1
	for _, x := range got {
		switch x.name {
		case "recipient_status":
			if status, err = strconv.Atoi(x.value); err != nil {
				return 0, "", fmt.Errorf("verify %s: status %q: %w", address, x.value, err)
			}
		case "reason":
			reason = x.value
		}
	}
	if status < 0 {
		return 0, "", fmt.Errorf("verify %s: verify(8) gives no status", address)
	}
	return status, reason, nil
}
