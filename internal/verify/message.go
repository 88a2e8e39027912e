package verify

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"relayhost/internal/mailaddr"
)

// newMessageID returns an id that no other message has (RFC 5322, section
// 3.6.4), without the angle brackets.
func newMessageID(from string) string {
	domain := mailaddr.Domain(from)
	return "relayhost." + strings.ToLower(rand.Text()) + "@" + domain
}

// testMessage is the one message that a proof sends, seven-bit and with LF line
// ends, as sendmail(1) takes it. header is a line of a service's own that marks
// tests, or "".
func testMessage(messageID, from, to, header string, now time.Time) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "From: <%s>\nTo: <%s>\nSubject: Test of mail delivery by relayhost\n", from, to)
	fmt.Fprintf(&b, "Date: %s\nMessage-ID: <%s>\n", now.Format(time.RFC1123Z), messageID)
	if header != "" {
		b.WriteString(header + "\n")
	}
	b.WriteString("Auto-Submitted: auto-generated\nMIME-Version: 1.0\nContent-Type: text/plain; charset=us-ascii\n\n")
	b.WriteString("This message was sent to prove that mail leaves this server through its relay.\n")
	b.WriteString("If you can read it, it does. There is nothing to do.\n")
	return []byte(b.String())
}
