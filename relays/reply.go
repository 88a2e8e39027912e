package relays

import (
	"maps"
	"slices"
	"strings"
	"sync"
)

// generic are the replies of common mail servers and where they were read, for
// services of which no source quotes any.
var generic = sync.OnceValue(func() replyFile {
	file := builtInReplies()
	for i := range file.Replies {
		file.Replies[i].Inherited = true
	}
	for i := range file.API.Replies {
		file.API.Replies[i].Inherited = true
	}
	return file
})

type replyFile struct {
	Replies []Reply           `toml:"replies"`
	API     API               `toml:"api"`
	Sources map[string]Source `toml:"source"`
}

// Generic gives the replies that say the same at most mail servers, each marked
// as inherited.
func Generic() []Reply {
	return slices.Clone(generic().Replies)
}

// inherit gives the generic replies, with their sources, to a service that has
// none of its own.
func (r *Relay) inherit() {
	file := generic()
	if len(r.Replies) > 0 {
		return
	}
	r.Replies = slices.Clip(file.Replies) // shared: nobody may change them
	sources := make(map[string]Source, len(file.Sources)+len(r.Sources))
	for _, reply := range file.Replies {
		sources[reply.Source] = file.Sources[reply.Source]
	}
	maps.Copy(sources, r.Sources)
	r.Sources = sources
}

// KnownReplies are the service's own replies, then the generic ones, marked.
func (r Relay) KnownReplies() []Reply {
	own := slices.DeleteFunc(slices.Clone(r.Replies), func(reply Reply) bool { return reply.Inherited })
	return append(own, Generic()...)
}

// MatchReply finds what the service means by a reply text, with or without its
// code. The service's own replies come first, then the generic ones.
func (r Relay) MatchReply(text string) (Reply, bool) {
	text = bare(text)
	for _, reply := range r.KnownReplies() {
		if matches(reply.Match, text) {
			return reply, true
		}
	}
	return Reply{}, false
}

// Deferred reports whether Postfix would bounce mail for the reply although it is
// no fault of a recipient, so that its lookup tables need the patterns. A 4xx never
// bounces, nor does a refused login (smtp_sasl_auth_soft_bounce) or a greeting
// (smtp_skip_5xx_greeting); EHLO and what all relays say have rules of their own.
func (r Reply) Deferred() bool {
	switch r.At {
	case "", "mail", "rcpt", "data":
		return r.Scope != "recipient" && (r.Code == 0 || r.Code/100 == 5)
	}
	return false
}

// bare takes the reply code off a reply text (RFC 5321 section 4.2).
func bare(text string) string {
	text = strings.TrimSpace(text)
	if len(text) > 3 && text[0] >= '2' && text[0] <= '5' && isDigit(text[1]) && isDigit(text[2]) &&
		(text[3] == ' ' || text[3] == '-') {
		return strings.TrimSpace(text[4:])
	}
	return text
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
