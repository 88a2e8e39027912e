package explain

import (
	"strings"

	"relayhost/internal/maillog"
)

// text is what a line says, Postfix's own words and the other side's apart.
type text struct {
	own    string
	reply  string // with its code; "" where nobody else speaks
	host   string // who said it; "" when unknown
	status string // of a delivery: deferred, bounced, ...; "" for other lines
}

// saids stand before what the other side said (smtp_chat.c, smtp_proto.c, and
// smtp_sasl_glue.c of Postfix).
var saids = []string{" said: ", " refused to talk to me: ", " refused to start TLS: "}

// split takes apart a line of the mail log, or whatever somebody pasted: a
// reply, a status, a reason.
func split(s string) text {
	if line, ok := maillog.Parse(s); ok {
		return splitLine(line)
	}
	s = strings.TrimSpace(s)
	if isReply(s) {
		return text{reply: s}
	}
	if d, ok := maillog.ParseDelivery(s); ok {
		return splitDelivery(d)
	}
	t := splitReason(s)
	// A fragment of a delivery line tells its status all the same.
	if _, rest, found := strings.Cut(s, "status="); found {
		t.status, _, _ = strings.Cut(rest, " ")
	}
	return t
}

// splitLine takes apart a line that is known to be Postfix's.
func splitLine(line maillog.Line) text {
	if d, ok := maillog.ParseDelivery(line.Text); ok {
		return splitDelivery(d)
	}
	return splitReason(line.Text)
}

// splitDelivery leaves out the recipient, which is foreign text as well.
func splitDelivery(d maillog.Delivery) text {
	t := splitReason(d.Reply)
	if isReply(d.Reply) {
		t = text{reply: d.Reply}
	}
	t.own = "relay=" + d.Relay + ", status=" + d.Status + " (" + t.own + ")"
	t.status = d.Status
	if t.host == "" {
		t.host = d.Host
	}
	return t
}

func splitReason(s string) text {
	at, said := -1, ""
	for _, word := range saids {
		if i := strings.Index(s, word); i >= 0 && (at < 0 || i < at) {
			at, said = i, word
		}
	}
	if at < 0 {
		if rest, ok := strings.CutPrefix(s, "said: "); ok {
			at, said, s = 0, "said: ", "said: "+rest
		} else {
			return text{own: s}
		}
	}
	before, after := s[:at], s[at+len(said):]
	end := strings.LastIndex(after, " (in reply to ")
	if end < 0 {
		end = len(after)
	}
	t := text{own: before + said + strings.TrimSpace(after[end:]), reply: strings.TrimSuffix(after[:end], ")")}
	if i := strings.LastIndexByte(before, ' '); i >= 0 || before != "" {
		t.host, _, _ = strings.Cut(before[i+1:], "[")
	}
	return t
}

// isReply reports whether s begins as an SMTP reply does.
func isReply(s string) bool {
	return len(s) >= 4 && s[0] >= '2' && s[0] <= '5' && s[1] >= '0' && s[1] <= '9' && s[2] >= '0' && s[2] <= '9' &&
		(s[3] == ' ' || s[3] == '-')
}
