package plan

import (
	"slices"

	"relayhost/templates"
)

// localFaults are the generic patterns that no line of a reply can show: it does
// not say which command it answers, its code stands at its beginning, and what
// Postfix finds out by itself is no reply.
var localFaults = []string{genericFaults[0].Pattern, genericFaults[3].Pattern, genericFaults[4].Pattern, tooLarge.Pattern}

// tooLargeReply is tooLarge without the code.
var tooLargeReply = templates.Filter{Comment: "a message too large for the relay is returned", Pattern: `size limit|message (is )?too (large|big)`, Keep: true}

// replyFilter writes the table that makes the next hop's turn of a fault of the
// account (smtp_reply_filter): Postfix goes on after a 4xx reply, and not after a
// 5xx. The status filter, which only sees the outcome, stays for the last hop.
func (b *builder) replyFilter(i int) error {
	s := b.services[i]
	if len(s.hops) == 1 {
		return nil
	}
	if theirs, _ := b.main.Get("smtp_reply_filter"); theirs != "" {
		// One table, and not a list of them, is all that smtp(8) opens here.
		b.note("smtp_reply_filter = %s stays, and Postfix has room for one table there: mail that a relay refuses with 5xx for a fault of the account waits, it does not go on to the next hop", theirs)
		return nil
	}
	same := slices.IndexFunc(b.services[:i], func(o *service) bool { return len(o.hops) > 1 && slices.Equal(o.filters, s.filters) })
	if same >= 0 {
		s.d.ReplyFilterMap = b.services[same].d.ReplyFilterMap
		return nil
	}
	filters := []templates.Filter{tooLargeReply}
	for _, f := range s.filters {
		if !slices.Contains(localFaults, f.Pattern) {
			filters = append(filters, f)
		}
	}
	text, err := templates.Render(templates.ReplyFilter, &templates.Data{Filters: filters})
	if err != nil {
		return err
	}
	path := b.path(s.file(b, replyFile))
	b.file(File{Path: path, After: text, Mode: 0o644})
	s.d.ReplyFilterMap = "regexp:" + path
	return nil
}
