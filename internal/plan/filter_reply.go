package plan

import (
	"slices"

	"relayhost/templates"
)

// kept are what no words turn into an account fault, since without the phase they
// could mean a recipient's server or the message.
var kept = []rule{
	{comment: "the message's own authentication (SPF, DKIM, DMARC)", status: `7\.2[0-9]`, keep: true},
	{comment: "the address of the recipient or the sender", status: `1\.[0-9]+`, keep: true},
}

// replyFilter writes the table that sends mail to the next hop after an account
// fault (smtp_reply_filter): Postfix goes on after a 4xx reply, and not after a
// 5xx. The status filter, which only sees the outcome, stays for the last hop.
func (b *builder) replyFilter(i int) error {
	s := b.services[i]
	if len(s.hops) == 1 || s.walked {
		return nil
	}
	if theirs, _ := b.main.Get("smtp_reply_filter"); theirs != "" {
		// One table, and not a list of them, is all that smtp(8) opens here.
		b.out.note("smtp_reply_filter = %s stays, and Postfix has room for one table there: mail that a relay refuses with 5xx for an account fault waits, it does not go on to the next hop", theirs)
		return nil
	}
	same := slices.IndexFunc(b.services[:i], func(o *service) bool {
		return len(o.hops) > 1 && !o.walked && slices.EqualFunc(o.rules, s.rules, equalRules)
	})
	if same >= 0 {
		s.d.ReplyFilterMap = b.services[same].d.ReplyFilterMap
		return nil
	}
	// After a refused login smtp(8) goes on without help, so that reply keeps its code.
	filters := []templates.Filter{{Comment: "a refused login", Pattern: `^(535([ -].*)?)$`, Result: "$1"}}
	for _, r := range slices.Concat(kept, s.rules, unphased()) {
		if f, ok := r.onReply(); ok {
			filters = append(filters, f)
		}
	}
	text, err := templates.Render(templates.ReplyFilter, &templates.Data{Filters: filters})
	if err != nil {
		return err
	}
	path := filePath(b.s, s.file(b, replyFile))
	b.out.file(File{Path: path, After: text, Mode: 0o644})
	s.d.ReplyFilterMap = "regexp:" + path
	return nil
}

// unphased are the rules of every relay that need not know which command a reply
// answers: what a recipient's server says to RCPT must not match.
func unphased() []rule {
	return slices.DeleteFunc(slices.Concat(leading, ruling), func(r rule) bool { return r.at != nil && !slices.Contains(r.at, "rcpt") })
}
