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

// limits sets what the services of the hops document, the smallest of each, as
// parameters of the transport of s.
func (b *builder) limits(s *service) {
	d := s.d
	for i := range s.hops {
		h := &s.hops[i]
		l := h.Relay.Limits
		if n := b.concurrency(h); d.Concurrency == 0 || n < d.Concurrency {
			d.Concurrency = n
		}
		if l.Recipients > 0 && l.Recipients < b.recipientLimit() && (d.RecipientLimit == 0 || l.Recipients < d.RecipientLimit) {
			d.RecipientLimit = l.Recipients
		}
		if size, _ := strconv.ParseInt(b.param("message_size_limit"), 10, 64); l.MessageBytes > 0 && (size == 0 || size > l.MessageBytes) && b.s.Params != nil {
			b.note("%s refuses messages above %d bytes; message_size_limit here is %d and stays, since it governs inbound mail as well", relayName(h.Relay), l.MessageBytes, size)
		}
	}
	if d.Concurrency > defaultConnections {
		// From the default of 5 the ramp up to 100 takes longer than most
		// queues are long.
		d.InitialConcurrency = defaultConnections
	}
	if limit, _ := strconv.Atoi(b.param("default_process_limit")); d.Concurrency > limit && limit > 0 {
		d.Processes = strconv.Itoa(d.Concurrency)
	}
	if d.Concurrency == b.defaultConcurrency() {
		d.Concurrency = 0 // it holds anyway
	}
	b.pause(s)
}

// defaultConcurrency is the limit of every transport that has none of its own.
func (b *builder) defaultConcurrency() int {
	if n, err := strconv.Atoi(b.param("default_destination_concurrency_limit")); err == nil {
		return n
	}
	return defaultConnections
}

// concurrency is the number of connections at once that h may have.
func (b *builder) concurrency(h *Hop) int {
	documented := h.Relay.Limits.Connections
	if h.Connections > 0 {
		if documented > 0 && h.Connections > documented {
			b.note("%s documents %d connections at once; %d were asked for", relayName(h.Relay), documented, h.Connections)
		}
		return h.Connections
	}
	if documented > 0 {
		return min(documented, defaultConnections)
	}
	return defaultConnections
}

// pause sets the longest pause between two messages that a hop demands.
func (b *builder) pause(s *service) {
	longest, name := 0, ""
	for i := range s.hops {
		if delay := rateDelay(s.hops[i].Relay.Limits); delay > longest {
			longest, name = delay, relayName(s.hops[i].Relay)
		}
	}
	if longest > 0 {
		s.d.RateDelay = fmt.Sprintf("%ds", longest)
		b.note("%s takes one message in %d s: mail goes out one by one", name, longest)
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
func (b *builder) reuse(s *service) {
	if _, ok := b.master.Get("scache", "unix"); !ok && b.masterBefore != nil {
		b.note("connections to the relay are not reused: master.cf has no scache service")
		return
	}
	most := 0 // messages on a connection, of the hops that document it
	for i := range s.hops {
		n := s.hops[i].Relay.Limits.MessagesPerConnection
		if n == 1 {
			return
		}
		if n > 1 && (most == 0 || n < most) {
			most = n
		}
	}
	if b.s.SELinux.ReuseDenied() {
		proxy := filepath.Join(b.s.DaemonDir, "tlsproxy")
		b.note("connections to the relay are not reused, so mail leaves slower: this SELinux policy keeps tlsproxy from them. To change that: "+
			"semanage fcontext -a -t postfix_smtp_exec_t %s && restorecon %s; then run setup again", proxy, proxy)
		return
	}
	s.d.TLSProxy = s.d.Service + proxySuffix
	if most > 1 {
		// A service that says 421 to the message after the last one defers it.
		// The first message on a connection is no reuse.
		s.d.ReuseCount = most - 1
	}
}
