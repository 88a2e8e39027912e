package plan

import (
	"slices"
	"strings"

	"relayhost/relays"
	"relayhost/templates"
)

// Faults of the account or of the set-up that every service may answer with
// (POSIX extended, compared without case; the subject is what Postfix logs:
// "5.7.0 host h[a] said: 530 Authentication required (in reply to MAIL FROM
// command)"). A 530 is RFC 4954 section 6; the rest is what services, Postfix
// and Exim say to a client that did not log in.
var genericFaults = []templates.Filter{
	{Comment: "the relay wants a login or TLS first", Pattern: ` said: 53[0458][ -]`},
	{Comment: "the relay does not know this client", Pattern: `(relay|relaying) (access )?(denied|not (permitted|allowed))|not permitted to relay|unable to relay`},
	{Comment: "the relay does not know this client", Pattern: `authentication (is )?required|not (been )?authenticated|must (first )?authenticate|not logged in`},
	{Comment: "the relay does not take this sender", Pattern: `in reply to (ehlo|helo|mail from) command`},
	{Comment: "the relay's name is gone", Pattern: `name service error for name=|unable to look up host`},
}

// tooLarge is permanent whatever the phase (RFC 1870 section 6.1): a message
// does not shrink by waiting.
var tooLarge = templates.Filter{Comment: "a message too large for the relay is returned", Pattern: ` said: 552[ -]|size limit|message (is )?too (large|big)`, Keep: true}

// filter builds the tables that keep faults of the account from bouncing mail.
// They have the type regexp, which is built into every Postfix.
func (b *builder) filter() error {
	if b.s.MapTypes != nil && !slices.Contains(b.s.MapTypes, "regexp") {
		b.note("this Postfix has no regexp tables: mail that the relay refuses for a fault of the account is returned to its sender")
		return nil
	}
	for i, s := range b.services {
		if err := s.replies(); err != nil {
			return err
		}
		if err := b.replyFilter(i); err != nil {
			return err
		}
		same := slices.IndexFunc(b.services[:i], func(o *service) bool { return slices.Equal(o.filters, s.filters) })
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

// filterTable writes the table of s.
func (b *builder) filterTable(s *service) error {
	text, err := templates.Render(templates.StatusFilter, &templates.Data{Filters: s.filters})
	if err != nil {
		return err
	}
	path := b.path(s.file(b, filterFile))
	b.file(File{Path: path, After: text, Mode: 0o644})
	s.d.StatusFilterMap = "regexp:" + path
	for _, name := range []string{"smtp_delivery_status_filter", "default_delivery_status_filter"} {
		if global, ok := b.main.Get(name); ok && global != "" && !strings.HasPrefix(global, "$") {
			s.d.StatusFilterMap += "," + strings.Join(splitList(global), ",")
			break
		}
	}
	return nil
}

// replies lists the rules of the services of all hops: what one relay says of
// a recipient never hides what another says of the account.
func (s *service) replies() error {
	s.filters = []templates.Filter{tooLarge}
	for _, keep := range []bool{true, false} {
		for i := range s.hops {
			for _, reply := range s.hops[i].Relay.KnownReplies() {
				if err := s.reply(reply, keep); err != nil {
					return err
				}
			}
		}
	}
	s.filters = append(s.filters, genericFaults...)
	return nil
}

// reply adds the rule for a reply of the catalogue: faults of a recipient,
// when keep is set, stay as they are and come first; those of the account, the
// rate and the service are deferred.
func (s *service) reply(reply relays.Reply, keep bool) error {
	if (reply.Scope == "recipient") != keep || reply.Match == "" || reply.Code/100 == 4 || reply.At == "auth" {
		// A 4xx never bounces, nor does a refused login (smtp_sasl_auth_soft_bounce).
		return nil
	}
	pattern, err := posixERE(reply.Match)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(s.filters, func(f templates.Filter) bool { return f.Pattern == pattern }) {
		s.filters = append(s.filters, templates.Filter{Comment: oneLine(reply.ID), Pattern: pattern, Keep: keep})
	}
	return nil
}
