package plan

import (
	"fmt"
	"math"
	"path/filepath"
	"strconv"

	"relayhost/relays"
)

// defaultConnections is Postfix's own limit (default_destination_concurrency_limit)
// and ours unless more is asked for: TUNING_README warns of large ones.
const defaultConnections = 20

// limits sets what the service documents, as parameters of its own transport.
func (b *builder) limits() {
	l := b.o.Relay.Limits
	b.d.Concurrency = defaultConnections
	if l.Connections > 0 {
		b.d.Concurrency = min(l.Connections, defaultConnections)
	}
	if b.o.Connections > 0 {
		b.d.Concurrency = b.o.Connections
		if l.Connections > 0 && b.o.Connections > l.Connections {
			b.note("%s documents %d connections at once; %d were asked for", b.d.RelayName, l.Connections, b.o.Connections)
		}
	}
	if b.d.Concurrency > defaultConnections {
		// From the default of 5 the ramp up to 100 takes longer than most
		// queues are long.
		b.d.InitialConcurrency = defaultConnections
	}
	if limit, _ := strconv.Atoi(b.param("default_process_limit")); b.d.Concurrency > limit && limit > 0 {
		b.d.Processes = strconv.Itoa(b.d.Concurrency)
	}
	if l.Recipients > 0 && l.Recipients < b.recipientLimit() {
		b.d.RecipientLimit = l.Recipients
	}
	if delay := rateDelay(l); delay > 0 {
		b.d.RateDelay = fmt.Sprintf("%ds", delay)
		b.note("%s takes one message in %d s: mail goes out one by one", b.d.RelayName, delay)
	}
	if size, _ := strconv.ParseInt(b.param("message_size_limit"), 10, 64); l.MessageBytes > 0 && (size == 0 || size > l.MessageBytes) && b.s.Params != nil {
		b.note("%s refuses messages above %d bytes; message_size_limit here is %d and stays, since it governs inbound mail as well", b.d.RelayName, l.MessageBytes, size)
	}
}

func (b *builder) recipientLimit() int {
	if n, err := strconv.Atoi(b.param("default_destination_recipient_limit")); err == nil {
		return n
	}
	return 50
}

// rateDelay is the pause in whole seconds between two deliveries where a
// service takes less than one message a second. Postfix has no finer measure,
// and any delay serialises all mail (default_destination_rate_delay).
func rateDelay(l relays.Limits) int {
	if l.RatePerSecond <= 0 || l.RatePerSecond >= 1 {
		return 0
	}
	return int(math.Ceil(1 / l.RatePerSecond))
}

// reuse switches on reuse of connections where it is safe: TLS connections are
// kept by a tlsproxy(8) of our own, outside of any chroot, since the one of the
// system is commented out in every distribution's master.cf and does not see
// our CA file.
func (b *builder) reuse() {
	l := b.o.Relay.Limits
	if _, ok := b.master.Get("scache", "unix"); !ok && b.masterBefore != nil {
		b.note("connections to the relay are not reused: master.cf has no scache service")
		return
	}
	if l.MessagesPerConnection == 1 {
		return
	}
	if b.s.SELinux.ReuseDenied() {
		proxy := filepath.Join(b.s.DaemonDir, "tlsproxy")
		b.note("connections to the relay are not reused, so mail leaves slower: this SELinux policy keeps tlsproxy from them. To change that: "+
			"semanage fcontext -a -t postfix_smtp_exec_t %s && restorecon %s; then run setup again", proxy, proxy)
		return
	}
	b.d.TLSProxy = b.d.Service + proxySuffix
	if l.MessagesPerConnection > 1 {
		// A service that says 421 to the message after the last one defers it;
		// stopping one short was measured to avoid that.
		b.d.ReuseCount = l.MessagesPerConnection - 1
	}
}
