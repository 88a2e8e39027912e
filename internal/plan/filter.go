package plan

import (
	"slices"
	"strconv"
	"strings"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/config"
	"relayhost/internal/postfix"
	"relayhost/relays"
	"relayhost/templates"
)

// rule is one entry of the status filter and of the reply filter: what a relay
// says (POSIX extended expressions, compared without case) and what becomes of
// the mail.
//
// The status filter looks at what smtp(8) logs (src/smtp/smtp_trouble.c), with
// the enhanced code of the last line of the reply in front:
//
//	5.7.0 host h[a] said: 530 Authentication required (in reply to MAIL FROM command)
//
// The reply filter looks at one line of a reply as it comes, without a phase.
type rule struct {
	comment string
	code    string   // last two digits of the reply code; "" is any
	status  string   // last two numbers of the enhanced code; "" is any or none
	text    string   // words of the reply; "" is any
	last    string   // in place of text, in the last line of a reply that is known to have several
	at      []string // commands that it answers: mail, rcpt, data; nil is any
	keep    bool     // bounce, whatever the rules below say
}

// unaddressed lets a rule's text begin anywhere in a reply but in an address: not after
// a quotation mark, and not between angle brackets.
const unaddressed = `([^"<>]|<[^"<>]*>)*`

// commands are the ends of smtp(8)'s texts by the phase of the catalogue.
var commands = map[string]string{"mail": "MAIL FROM", "rcpt": "RCPT TO", "data": "(end of )?DATA"}

// general are the codes with which servers refuse a client or a sender in words.
const general = `(0[0-9]|5[0-4])`

// unauthorized are the codes of RFC 4954 section 6 and RFC 3207 section 4.
const unauthorized = `3[0458]`

var envelope = []string{"mail", "rcpt"}

// leading are the rules of every relay that come before those of its catalogue file.
var leading = []rule{
	{comment: "the recipient's address or mailbox", status: `[12]\.[0-9]+`, at: []string{"rcpt"}, keep: true},
	{comment: "the relay refuses the null sender: the bounce ends here", code: general, text: `<>|(null|empty) (envelope )?(sender|reverse|return)`, at: []string{"mail"}, keep: true},
}

// ruling are the rules of every relay after those of its catalogue file, which know
// its words better: Zoho says 5.1.8 of an account that it has blocked.
var ruling = []rule{
	{comment: "the sender's address, or TLS that the message asks for: faults of one message", status: `(1\.[78]|7\.(27|30))`, at: []string{"mail"}, keep: true},
	{comment: "the relay wants a login or TLS first", code: unauthorized},
	{comment: "the relay does not know this client", code: general, at: envelope,
		text: `relay(ing)? (access )?(is )?(denied|disallowed|not (permitted|allowed))|relaying mail to [^ ]+ is not allowed|not (permitted|allowed) to relay|unable to relay|client host (\[[^ ]+\] )?(blocked|rejected)`},
	{comment: "the relay wants a login first", code: general, at: envelope,
		text: `authentication (is )?required|must (first )?authenticate|please (log ?in|authenticate)|need to (log ?in|authenticate)|not logged in|client (was |is )?not authenticated`},
	{comment: "the relay refuses the HELO name", code: general, at: envelope, text: `helo command rejected|(helo|ehlo) [^ ]+ rejected|invalid helo`},
	{comment: "the relay does not know this sender", code: general, at: envelope,
		text: `sender address rejected|sender address (is )?not allowed|not owned by user|must equal authorized user|not one of your addresses`},
	{comment: "the relay does not know this sender", code: general, text: `(sender|domain|identity)( address)? (is |was )?not verified`},
	{comment: "the account has sent enough for today", code: general, text: `(daily|hourly|monthly|24-hour) [a-z ]*(limit|quota)|sending [a-z ]*(limit|quota)`},
	{comment: "the account is full", code: general, at: []string{"mail", "data"}, text: `account [a-z ]*(limit|quota)`},
}

// unspoken are the rules for a refused sender whose words no rule knows, after
// those of the catalogue files. Only the client, the account and the sender are
// known at that point, so policy is a matter of the account; syntax (501, 553,
// 555), size (552) and other enhanced codes are a matter of the message.
var unspoken = []rule{
	{comment: "a message too large is returned", text: `message (is )?too (large|big|long)|size (exceed|limit)`, at: []string{"mail"}, keep: true},
	{comment: "policy, or the sender's own mailbox", status: `(7\.[0-9]+|2\.[12])`, at: []string{"mail"}},
	{comment: "refused without a reason that a program can read", code: `5[04]`, status: `0\.0`, at: []string{"mail"}},
}

// noReply are faults that smtp(8) finds before it sends a message: no reply to
// a command, and true of any message.
var noReply = []templates.Filter{
	{Comment: "the relay refuses the connection or EHLO", Pattern: `^5(\.[0-9]+\.[0-9]+ host [^ ]+ refused to talk to me: .*)$`, Result: "4$1"},
	{Comment: "the relay's name is gone", Pattern: `^5(\.[0-9]+\.[0-9]+ (Host or domain name not found\. Name service error for|unable to look up host) .*)$`, Result: "4$1"},
}

// onLog is the rule as an entry of the status filter.
func (r rule) onLog() templates.Filter {
	status, end := `[0-9]+\.[0-9]+`, `[^()]*`
	if r.status != "" {
		status = r.status
	}
	if len(r.at) > 0 {
		var names []string
		for _, phase := range r.at {
			names = append(names, commands[phase])
		}
		end = strings.Join(names, "|")
		if len(names) > 1 {
			end = "(" + end + ")"
		}
		end += " command"
	}
	return r.filter(`\.` + status + ` host [^ ]+ said: 5` + r.digits() + `[ -]` + r.words(r.text) + `.*\(in reply to ` + end + `\)`)
}

// onReply is the rule as an entry of the reply filter, for the last line of a
// reply, which alone decides its code; "" where only the phase would tell.
func (r rule) onReply() (templates.Filter, bool) {
	text := r.text
	if r.last != "" {
		text = r.last
	}
	switch {
	case r.status != "" && text != "":
		return templates.Filter{}, false
	case r.status != "":
		return r.filter(r.digits() + ` 5\.` + r.status + `([^0-9].*)?`), true
	case text == "":
		return r.filter(r.digits() + `( .*)?`), true
	}
	return r.filter(r.digits() + ` ` + r.words(text) + `.*`), true
}

func (r rule) digits() string {
	if r.code == "" {
		return "[0-9][0-9]"
	}
	return r.code
}

func (r rule) words(text string) string {
	if text == "" {
		return ""
	}
	return unaddressed + "(" + text + ")"
}

func (r rule) filter(pattern string) templates.Filter {
	result := "4$1"
	if r.keep {
		result = "5$1"
	}
	// A slash would end the pattern (regexp_table(5)).
	return templates.Filter{Comment: r.comment, Pattern: "^5(" + strings.ReplaceAll(pattern, "/", `\/`) + ")$", Result: result}
}

// filter builds the tables that keep account faults from bouncing mail. They
// have the type regexp, which is built into every Postfix.
func (b *builder) filter() error {
	if b.s.MapTypes != nil && !slices.Contains(b.s.MapTypes, "regexp") {
		b.out.note("this Postfix has no regexp tables: mail that the relay refuses for an account fault is bounced")
		return nil
	}
	delayWarning(b.out, b.main, b.d)
	for i, s := range b.services {
		if !s.walked {
			s.rules = ofHops(s.hops...)
		}
		if err := b.replyFilter(i); err != nil {
			return err
		}
		same := slices.IndexFunc(b.services[:i], func(o *service) bool {
			return o.walked == s.walked && slices.EqualFunc(o.rules, s.rules, equalRules) && slices.EqualFunc(o.decided(), s.decided(), equalRules)
		})
		if same >= 0 {
			s.d.StatusFilterMap = b.services[same].d.StatusFilterMap
			continue
		}
		if err := b.filterTable(s); err != nil {
			return err
		}
	}
	return nil
}

// decided are the rules for what a bridge says of an API: the API's own replies, by
// which the bridge has chosen the code already, and then that its code holds. The
// words of SMTP servers say nothing of an API.
func (s *service) decided() []rule {
	if !s.bridge || s.walked || !s.hops[0].ByAPI() {
		return nil
	}
	var rules []rule
	h := &s.hops[0]
	if a, ok := conf.Get(h.Relay.ID); ok && h.Relay.API != nil {
		for _, r := range h.Relay.API.Replies {
			rules = append(rules, rule{comment: oneLine(r.ID), text: "relayhost: " + a.Name + ": " + r.Pattern(), keep: r.Scope == "recipient"})
		}
	}
	return append(rules, rule{comment: "what the bridge refuses for good", text: "relayhost: ", keep: true})
}

// filterTable writes the table of s.
func (b *builder) filterTable(s *service) error {
	filters := slices.Clone(noReply)
	if !s.walked { // where the bridge has done it: it knows which command a reply answers
		for _, r := range slices.Concat(s.decided(), leading, s.rules, ruling, unspoken) {
			filters = append(filters, r.onLog())
		}
	}
	text, err := templates.Render(templates.StatusFilter, &templates.Data{Filters: filters})
	if err != nil {
		return err
	}
	path := filePath(b.s, s.file(b, filterFile))
	b.out.file(File{Path: path, After: text, Mode: 0o644})
	s.d.StatusFilterMap = "regexp:" + path
	own := "smtp_delivery_status_filter"
	if s.bridge {
		own = "lmtp_delivery_status_filter"
	}
	for _, name := range []string{own, "default_delivery_status_filter"} {
		if global, ok := b.main.Get(name); ok && global != "" && !strings.HasPrefix(global, "$") {
			s.d.StatusFilterMap += "," + strings.Join(postfix.SplitList(global), ",")
			break
		}
	}
	return nil
}

// onHop is the status filter of one hop, for a bridge that walks it. The replies of an
// API say already whose fault they are.
func onHop(h *config.Hop) []conf.Filter {
	if h.ByAPI() {
		return nil
	}
	var filters []conf.Filter
	for _, r := range slices.Concat(leading, ofHops(*h), ruling, unspoken) {
		filters = append(filters, conf.Filter{Match: r.onLog().Pattern, Keep: r.keep})
	}
	return filters
}

// ofHops lists the rules of the catalogue for hops.
func ofHops(hops ...config.Hop) []rule {
	var rules []rule
	for i := range hops {
		for _, reply := range hops[i].Relay.Replies {
			r, ok := ofReply(reply)
			if ok && !slices.ContainsFunc(rules, func(o rule) bool { return equalRules(o, r) }) {
				rules = append(rules, r)
			}
		}
	}
	return rules
}

// ofReply is the rule for a reply of the catalogue, where one is needed.
func ofReply(reply relays.Reply) (rule, bool) {
	if reply.Inherited || !reply.Deferred() || slices.Contains([]int{530, 534, 535, 538}, reply.Code) {
		return rule{}, false // what all relays say, and the codes of unauthorized
	}
	r := rule{comment: oneLine(reply.ID), text: strings.TrimPrefix(reply.Match, "(?i)"), last: strings.TrimPrefix(reply.Last, "(?i)")}
	if reply.Code != 0 {
		r.code = strconv.Itoa(reply.Code)[1:]
	}
	if reply.At != "" {
		r.at = []string{reply.At}
	}
	return r, true
}

func equalRules(a, b rule) bool {
	return a.code == b.code && a.text == b.text && a.last == b.last && slices.Equal(a.at, b.at)
}

// delayTime is after how long Postfix tells a sender that mail waits.
const delayTime = "4h"

// delayWarning has the senders of waiting mail told, where nothing tells them:
// an account fault would otherwise be silent until the mail is returned after
// days. cleanup(8) reads the parameter, so it holds for all mail.
func delayWarning(out *output, main *postfix.Main, d *templates.Data) {
	const name = "delay_warning_time"
	value, set := main.Get(name)
	if value == delayTime {
		d.DelayWarning = delayTime
		return
	}
	if !set || strings.Trim(value, "0smhdw ") == "" {
		d.DelayWarning = delayTime
		out.note("%s = %s is set, for all mail: senders are told when their mail waits; it was off", name, delayTime)
	}
}
