package plan

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/config"
	"relayhost/internal/lint"
	"relayhost/internal/postfix"
	"relayhost/relays"
)

// defaultConnections is Postfix's own limit (default_destination_concurrency_limit)
// and ours unless more is asked for: TUNING_README warns of large ones.
const defaultConnections = 20

// recipientsOf spreads what a relay takes on one connection over messages: mail
// of a server mostly has one recipient, so many messages with few recipients
// each. 0 where the relay names no such limit.
func recipientsOf(l relays.Limits) (recipients, messages int) {
	if l.RecipientsPerSession < 1 {
		return 0, 0
	}
	recipients = max(1, l.RecipientsPerSession/10)
	return recipients, l.RecipientsPerSession / recipients
}

// setLimits sets what the services of the hops document, the smallest of each, as
// parameters of the transport of s.
func setLimits(out *output, state postfix.State, facts lint.Config, s *service) {
	d := s.d
	for i := range s.hops {
		h := &s.hops[i]
		l := limitsOf(h)
		if n := concurrencyOf(out, state, h); d.Concurrency == 0 || n < d.Concurrency {
			d.Concurrency = n
		}
		perMessage := l.Recipients
		if n, _ := recipientsOf(l); n > 0 && (perMessage == 0 || n < perMessage) {
			perMessage = n
		}
		if perMessage > 0 && perMessage < recipientLimit(state) && (d.RecipientLimit == 0 || perMessage < d.RecipientLimit) {
			d.RecipientLimit = perMessage
		}
		untoldLimits(out, state, h)
		if len(facts.Oversize(h.Relay.Name, l.MessageBytes)) > 0 {
			out.note("%s refuses messages above %d bytes; message_size_limit here is %s and stays, since it governs inbound mail as well", relayName(h.Relay), l.MessageBytes, state.Params["message_size_limit"])
		}
	}
	if d.Concurrency > defaultConnections {
		// From the default of 5 the ramp up to 100 takes longer than most
		// queues are long.
		d.InitialConcurrency = defaultConnections
	}
	if limit, _ := strconv.Atoi(state.Params["default_process_limit"]); d.Concurrency > limit && limit > 0 {
		d.Processes = strconv.Itoa(d.Concurrency)
	}
	if d.Concurrency == defaultConcurrency(state) {
		d.Concurrency = 0 // it holds anyway
	}
	setPause(out, state, s)
}

// defaultConcurrency is the limit of every transport that has none of its own.
func defaultConcurrency(state postfix.State) int {
	if n, err := strconv.Atoi(state.Params["default_destination_concurrency_limit"]); err == nil {
		return n
	}
	return defaultConnections
}

// untoldLimits notes what a relay documents and Postfix has no parameter for.
func untoldLimits(out *output, state postfix.State, h *config.Hop) {
	l := h.Relay.Limits
	var counts []string
	perSecond, perMinute := 0.0, 0 // which are no whole second for each message: see rateDelay
	if rateDelay(l) == 0 {
		perSecond, perMinute = l.RatePerSecond, l.PerMinute
	}
	if h.Bridged() {
		perMinute = 0 // which the bridge counts
	}
	for _, c := range []struct {
		n     float64
		words string
	}{{perSecond, "messages a second"}, {float64(perMinute), "messages a minute"}, {float64(l.PerHour), "messages an hour"},
		{float64(l.PerDay), "messages a day"}, {float64(l.RecipientsPerDay), "recipients a day"}} {
		if c.n > 0 {
			counts = append(counts, strconv.FormatFloat(c.n, 'f', -1, 64)+" "+c.words)
		}
	}
	if len(counts) > 0 {
		out.note("%s accepts %s; Postfix cannot count them, and mail beyond that stays in the queue until the relay accepts it", relayName(h.Relay), strings.Join(counts, " and "))
	}
	if slices.Contains(h.Relay.EHLO.Lacks, "SMTPUTF8") && state.Params["smtputf8_enable"] == "yes" {
		// SMTPUTF8_README, "Enabling SMTPUTF8 support".
		out.note("%s does not offer SMTPUTF8: mail with UTF-8 in an address is returned to its sender, and so is mail that programs on this server send with bare UTF-8 in a header field (smtputf8_enable = no lets the latter pass)", relayName(h.Relay))
	}
}

// apiLimits sets what the API of the one hop of s takes. All recipients of a message go
// in one request as far as it takes them: an API without an envelope wants that, and
// one that takes fields would tell each half of them another list of addresses.
func apiLimits(out *output, state postfix.State, facts lint.Config, s *service) {
	h := &s.hops[0]
	a, ok := conf.Get(h.Relay.ID)
	if !ok {
		return
	}
	d := s.d
	if d.Concurrency = concurrencyOf(out, state, h); d.Concurrency > defaultConnections {
		d.InitialConcurrency = defaultConnections
	}
	if d.Concurrency == defaultConcurrency(state) {
		d.Concurrency = 0
	}
	if a.Limits.Recipients != recipientLimit(state) {
		d.RecipientLimit = a.Limits.Recipients
	}
	setPause(out, state, s)
	if len(facts.Oversize(h.Relay.Name, a.Limits.Bytes)) > 0 {
		out.note("the API of %s takes messages of at most %d bytes; message_size_limit here is %s and stays, since it governs inbound mail as well", relayName(h.Relay), a.Limits.Bytes, state.Params["message_size_limit"])
	}
}

// limitsOf is what the way to a hop takes.
func limitsOf(h *config.Hop) relays.Limits {
	a, ok := conf.Get(h.Relay.ID)
	if !h.ByAPI() || !ok {
		return h.Relay.Limits
	}
	return relays.Limits{Recipients: a.Limits.Recipients, MessageBytes: a.Limits.Bytes}
}

// concurrencyOf is the number of connections at once that h may have. A lower limit that
// the administrator has set for all mail holds for the relay too.
func concurrencyOf(out *output, state postfix.State, h *config.Hop) int {
	documented := h.Relay.Limits.Connections
	if h.ByAPI() { // the catalogue's is about SMTP
		a, _ := conf.Get(h.Relay.ID)
		documented = a.Limits.Connections
	}
	if h.Connections > 0 {
		if documented > 0 && h.Connections > documented {
			out.note("%s documents %d connections at once; %d were asked for", relayName(h.Relay), documented, h.Connections)
		}
		return h.Connections
	}
	most := defaultConnections
	if n := defaultConcurrency(state); n > 0 {
		most = min(most, n)
	}
	if documented > 0 {
		return min(most, documented)
	}
	return most
}

// setPause sets the longest pause between two messages that a hop demands, where the one of
// all transports is shorter.
func setPause(out *output, state postfix.State, s *service) {
	longest := 0
	var slowest *relays.Relay
	for i := range s.hops {
		if s.bridge && !s.hops[i].ByAPI() {
			// The bridge counts, and Postfix's own measure would send every message alone.
			if n := s.hops[i].Relay.Limits.PerMinute; n > 0 {
				out.note("%s takes %d messages a minute: a burst goes out at once, and what is more waits its turn", relayName(s.hops[i].Relay), n)
			}
			continue
		}
		if delay := rateDelay(s.hops[i].Relay.Limits); delay > longest {
			longest, slowest = delay, s.hops[i].Relay
		}
	}
	if longest == 0 {
		return
	}
	usual, _ := time.ParseDuration(state.Params["default_destination_rate_delay"]) // a unit that Postfix alone has (1d) counts as none
	if usual < time.Duration(longest)*time.Second {
		s.d.RateDelay = fmt.Sprintf("%ds", longest)
	}
	oneByOne(out, slowest, max(longest, int(usual.Seconds())))
}

// oneByOne tells of a pause of so many seconds, which may be longer than r demands.
func oneByOne(out *output, r *relays.Relay, seconds int) {
	rate, unit := r.Limits.RatePerSecond, "second"
	if minute := float64(r.Limits.PerMinute); minute > 0 && (rate <= 0 || minute/60 < rate) {
		rate, unit = minute, "minute"
	}
	if each := map[string]float64{"second": 1, "minute": 60}[unit] / rate; each == float64(seconds) {
		out.note("%s accepts one message in %d s: mail is sent one by one", relayName(r), seconds)
		return
	}
	out.note("%s accepts %s messages a %s: mail is sent one by one, a message in %d s", relayName(r), strconv.FormatFloat(rate, 'f', -1, 64), unit, seconds)
}

func recipientLimit(state postfix.State) int {
	if n, err := strconv.Atoi(state.Params["default_destination_recipient_limit"]); err == nil {
		return n
	}
	return 50
}

// rateDelay is the pause in whole seconds between two deliveries where a
// service takes less than one message a second, or less than 60 a minute.
// Postfix has no finer measure, and any delay serialises all mail
// (default_destination_rate_delay).
func rateDelay(l relays.Limits) int {
	rate := l.RatePerSecond
	if minute := float64(l.PerMinute) / 60; minute > 0 && (rate <= 0 || minute < rate) {
		rate = minute
	}
	if rate <= 0 || rate >= 1 {
		return 0
	}
	return int(math.Ceil(1 / rate))
}

// setReuse switches on reuse of connections where it is safe, by scache(8): TLS connections are
// kept by a tlsproxy(8) of our own, outside of any chroot, since the one of the
// system is commented out in every distribution's master.cf and does not see
// our CA file.
func setReuse(out *output, state postfix.State, scache bool, s *service) {
	if !scache {
		out.note("connections to the relay are not reused: master.cf has no scache service")
		return
	}
	most := 0 // messages on a connection, of the hops that document it
	for i := range s.hops {
		l := s.hops[i].Relay.Limits
		n := l.MessagesPerConnection
		if _, messages := recipientsOf(l); messages > 0 && (n == 0 || messages < n) {
			n = messages
		}
		if n == 1 {
			return
		}
		if n > 1 && (most == 0 || n < most) {
			most = n
		}
	}
	if s.hops[0].Plaintext() {
		return // scache(8) alone does it
	}
	if state.SELinux.ReuseDenied() {
		proxy := filepath.Join(state.DaemonDir, "tlsproxy")
		out.note("connections to the relay are not reused, so mail leaves slower: this SELinux policy keeps tlsproxy from them. To change that: "+
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
