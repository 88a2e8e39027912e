package verify

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/maillog"
	"relayhost/internal/plural"
	"relayhost/relays"
)

// day is how far back the log is counted.
const day = 24 * time.Hour

// logTimeout bounds the reading of a day's log.
const logTimeout = 10 * time.Second

// near is the share of a limit, in per cent, from which on it is a warning.
const near = 80

// meter counts the mail of one account of a relay: its limits hold for all of it, by whichever
// route.
type meter struct {
	relay  *relays.Relay
	hops   []logged
	from   time.Time // of what was counted
	sent   []time.Time
	queued map[string]time.Time // the first delivery of a message, by queue ID
	utf8   []string             // recipients of returned mail that needed SMTPUTF8
}

// logged is a hop as the log names it.
type logged struct {
	service, host string
	bridged       bool // a bridge takes mail to it
	first         bool // of its route
}

// took reports whether a line is about mail to the hop. A bridge's reply names the hop
// where it is not the first one.
func (h logged) took(line maillog.Line, d maillog.Delivery) bool {
	if h.bridged {
		host, _, after := conf.TookOver(d.Reply)
		return strings.HasSuffix(line.Tag, "/"+h.service+"/lmtp") && (after && strings.EqualFold(host, h.host) || !after && h.first)
	}
	// A service made by hand may log as "postfix/smtp".
	return line.Daemon == "smtp" && strings.EqualFold(d.Host, h.host) && (strings.HasSuffix(line.Tag, "/"+h.service+"/smtp") || strings.HasSuffix(line.Tag, "/"+h.service))
}

// limits counts what went to each relay in the last day, and what of it SMTPUTF8
// has returned, where the relay documents a limit or does not offer the extension.
func (r *run) limits(ctx context.Context) []Finding {
	meters := metersOf(r.Routes)
	if len(meters) == 0 || !r.State.Installed {
		return nil
	}
	if r.Log == nil {
		return skip("limits", fmt.Sprintf("the mail to %s was not counted against its limits, because no log can be read: %v", names(meters), r.LogError))
	}
	ctx, cancel := context.WithTimeout(ctx, logTimeout)
	defer cancel()
	now := time.Now()
	from, err := r.Log.Since(ctx, r.Reader, now.Add(-day), func(line maillog.Line) {
		for _, m := range meters {
			m.count(line)
		}
	})
	if err != nil {
		return skip("limits", fmt.Sprintf("the mail to %s was not counted against its limits: %v", names(meters), err))
	}
	var findings []Finding
	for _, m := range meters {
		m.from = from
		if f, ok := m.nearest(now); ok {
			findings = append(findings, f)
		}
		if f, ok := r.withoutUTF8(m); ok {
			findings = append(findings, f)
		}
	}
	return findings
}

// metersOf are the relays whose mail is worth counting, one for each account.
func metersOf(routes []Route) (list []*meter) {
	known := map[string]*meter{}
	for _, route := range routes {
		for i, h := range route.Hops {
			l := h.Relay.Limits
			if int(l.RatePerSecond)+l.PerMinute+l.PerHour+l.PerDay+l.RecipientsPerDay == 0 && !lacksUTF8(h.Relay) {
				continue
			}
			key := h.Relay.ID + "\x00" + h.Username
			m := known[key]
			if m == nil {
				m = &meter{relay: h.Relay, queued: map[string]time.Time{}}
				known[key], list = m, append(list, m)
			}
			if at := (logged{route.Service, h.Host, h.Socket != "", i == 0}); !slices.Contains(m.hops, at) {
				m.hops = append(m.hops, at)
			}
		}
	}
	return list
}

func lacksUTF8(r *relays.Relay) bool { return slices.Contains(r.EHLO.Lacks, "SMTPUTF8") }

func names(meters []*meter) string {
	var list []string
	for _, m := range meters {
		if name := cmp.Or(m.relay.Name, m.relay.ID); !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return some(list)
}

// count takes in a line of the log.
func (m *meter) count(line maillog.Line) {
	if line.Daemon != "smtp" && line.Daemon != "lmtp" {
		return
	}
	d, ok := maillog.ParseDelivery(line.Text)
	if !ok || !slices.ContainsFunc(m.hops, func(h logged) bool { return h.took(line, d) }) {
		return
	}
	if d.Status == "bounced" && strings.HasPrefix(d.Reply, "SMTPUTF8 is required") {
		m.utf8 = append(m.utf8, d.To)
	}
	if d.Status != "sent" {
		return
	}
	m.sent = append(m.sent, line.Time)
	if _, again := m.queued[line.QueueID]; !again {
		m.queued[line.QueueID] = line.Time
	}
}

// nearest is the finding on the limit that is used up most; ok is false where the
// relay documents none.
func (m *meter) nearest(now time.Time) (f Finding, ok bool) {
	var messages []time.Time
	for _, t := range m.queued {
		messages = append(messages, t)
	}
	slices.SortFunc(messages, time.Time.Compare)
	slices.SortFunc(m.sent, time.Time.Compare)
	l := m.relay.Limits
	worst := -1
	for _, limit := range []struct {
		most int
		what string
		when string
		used int
	}{
		{l.PerDay, "message", "in the last 24 hours", len(messages)},
		{l.RecipientsPerDay, "recipient", "in the last 24 hours", len(m.sent)},
		{l.PerHour, "message", "in the busiest hour of the last day", busiest(messages, time.Hour)},
		{l.PerMinute, "message", "in the busiest minute of the last day", busiest(messages, time.Minute)},
		{int(l.RatePerSecond), "message", "in the busiest second of the last day", beyond(busiest(messages, time.Second), int(l.RatePerSecond))},
	} {
		if limit.most < 1 || limit.used*100/limit.most <= worst {
			continue
		}
		ok, worst = true, limit.used*100/limit.most
		f = Finding{Check: "limits", Result: Pass, Detail: fmt.Sprintf("%s accepted %s %s; its limit is %d", cmp.Or(m.relay.Name, m.relay.ID), plural.Of(limit.used, limit.what), limit.when, limit.most)}
	}
	if ok {
		f.Detail += m.begins(now)
	}
	if worst >= near {
		f.Result, f.Cause = Warn, "limit_near"
		f.Remedy = "Above the limit the relay defers or refuses mail: send less, ask the relay for a higher limit, or give some senders a relay of their own (a route)."
	}
	return f, ok
}

// begins says from when on the log was read, if that is less than a day.
func (m *meter) begins(now time.Time) string {
	if m.from.IsZero() {
		return " (the log has no lines of that day)"
	}
	if !m.from.After(now.Add(-day + time.Hour)) {
		return ""
	}
	return " (the log was read from " + m.from.Local().Format("2006-01-02 15:04") + " on)"
}

// beyond is used where it is more than most, else 0: any burst comes near a limit a
// second, and only more is worth a word.
func beyond(used, most int) int {
	if used > most {
		return used
	}
	return 0
}

// busiest is the largest number of times, which are in order, within a span.
func busiest(times []time.Time, span time.Duration) (most int) {
	first := 0
	for i, t := range times {
		for t.Sub(times[first]) >= span {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// withoutUTF8 names mail that was returned, or will be, since it needs SMTPUTF8
// and the relay does not offer it; ok is false where Postfix asks for it nowhere.
func (r *run) withoutUTF8(m *meter) (f Finding, ok bool) {
	if !lacksUTF8(m.relay) || r.State.Params["smtputf8_enable"] != "yes" {
		return f, false
	}
	name := cmp.Or(m.relay.Name, m.relay.ID)
	var waiting []string
	if messages, err := r.waiting(); err == nil {
		for _, q := range messages {
			for _, to := range q.Recipients {
				if !ascii(to.Address) || !ascii(q.Sender) {
					waiting = append(waiting, q.ID)
					break
				}
			}
		}
	}
	if len(m.utf8)+len(waiting) == 0 {
		return Finding{Check: "smtputf8", Result: Pass, Detail: name + " does not offer SMTPUTF8, and no mail in the log of the last day needed it" + m.begins(time.Now())}, true
	}
	f = Finding{Check: "smtputf8", Result: Warn, Detail: name + " does not offer SMTPUTF8, which mail with UTF-8 in an address or with bare UTF-8 in a header field needs:"}
	if len(m.utf8) > 0 {
		f.Detail += fmt.Sprintf(" in the last day mail to %s was returned", some(unique(m.utf8)))
	}
	if len(waiting) > 0 {
		if len(m.utf8) > 0 {
			f.Detail += ";"
		}
		f.Detail += " these messages in the queue will be returned: " + some(waiting)
	}
	return f.known("smtputf8"), true
}

func unique(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// ascii reports whether Postfix can send an address without SMTPUTF8. The queue's
// listing shows other characters as they are.
func ascii(address string) bool {
	for _, c := range []byte(address) {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
