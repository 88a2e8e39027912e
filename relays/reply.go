package relays

import (
	"bytes"
	_ "embed"
	"strings"
	"sync"

	"github.com/pelletier/go-toml/v2"
)

//go:embed replies.toml
var genericFile []byte

// generic are the replies of common mail servers, for services of which no
// source quotes any.
var generic = sync.OnceValues(func() ([]Reply, error) {
	var file struct {
		Replies []Reply           `toml:"replies"`
		Sources map[string]Source `toml:"source"`
	}
	if err := toml.NewDecoder(bytes.NewReader(genericFile)).DisallowUnknownFields().Decode(&file); err != nil {
		return nil, decodeError("replies.toml", err)
	}
	c := &checker{sources: file.Sources}
	c.replies("replies", file.Replies)
	c.sourceTables()
	if len(c.problems) > 0 {
		return nil, fileErrors("replies.toml", genericFile, c.problems)
	}
	for i := range file.Replies {
		file.Replies[i].Inherited = true
	}
	return file.Replies, nil
})

// Generic gives the replies that say the same at most mail servers, each marked
// as inherited.
func Generic() []Reply {
	replies, _ := generic() // the embedded file is checked by Catalog
	return replies
}

// KnownReplies are the service's own replies, then the generic ones, marked.
func (r Relay) KnownReplies() []Reply {
	return append(append([]Reply(nil), r.Replies...), Generic()...)
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
