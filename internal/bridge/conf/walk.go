package conf

import "strings"

// The words in which a bridge tells Postfix's log that another hop than the first has
// the message: on a line of its own before the reply of that hop, which is unchanged.
const (
	fallbackWords = "relayhost: fallback "
	afterWords    = " after "
)

// FallbackText says that host has a message after what the hops before said.
func FallbackText(host string, before []string) string {
	return fallbackWords + host + afterWords + strings.Join(before, "; ")
}

// TookOver is the host that FallbackText named in a reply, and what the hops before
// said, with the reply of host behind it. ok is false where the first hop replied.
func TookOver(reply string) (host, after string, ok bool) {
	_, rest, ok := strings.Cut(reply, fallbackWords)
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, afterWords)
}
