package explain

import (
	"strings"

	"relayhost/internal/lazy"
	"relayhost/internal/maillog"
)

// text is what a line says, Postfix's own words and the other side's apart.
type text struct {
	own     string // with the daemon's name in front, and with facts behind, where they are known
	reply   string // in one line, with its code; "" where nobody else speaks
	program string // the words of another program, in which Postfix's own may be quoted
	host    string // who said it; "" when unknown
	status  string // of a delivery: deferred, bounced, ...; "" for other lines
	to      string // recipient
}

// ofProgram reports whether another program says it: no line of Postfix's, and no
// bare reply.
func (t text) ofProgram() bool {
	return t.program != "" && t.status == "" && !isReply(strings.TrimLeft(t.program, " \t\"'(<"))
}

// names are what the words of a cause can mention.
func (t text) names() map[string]string {
	names := map[string]string{}
	if t.host != "" {
		names["host"] = t.host
	}
	if _, domain, ok := strings.Cut(t.to, "@"); ok {
		names["domain"] = domain
	}
	return names
}

// saids stand before what the other side said (smtp_chat.c, smtp_proto.c, and
// smtp_sasl_glue.c of Postfix).
var saids = []string{" said: ", " refused to talk to me: ", " refused to start TLS: "}

// splitLine takes apart a line that is known to be Postfix's.
func splitLine(line maillog.Line) text {
	var t text
	if d, ok := maillog.ParseDelivery(line.Text); ok {
		t = splitDelivery(d)
	} else {
		t = splitReason(line.Text)
	}
	if line.Daemon != "" {
		t.own = line.Daemon + ": " + t.own
	}
	t.own += facts(t.own, t)
	return t
}

// splitDelivery leaves out the recipient, which is foreign text as well.
func splitDelivery(d maillog.Delivery) text {
	reason := strings.TrimPrefix(d.Reply, "delivery temporarily suspended: ")
	t := splitReason(reason)
	if isReply(reason) {
		t = text{reply: oneLineReply(reason)}
	}
	t.own = "relay=" + d.Relay + ", status=" + d.Status + " (" + t.own + ")"
	t.status, t.to = d.Status, d.To
	if t.host == "" {
		t.host = d.Host
	}
	return t
}

// heard is what a verbose smtp(8) logs of what the server said (smtp_chat.c).
var heard = lazy.MustCompile(`^< ([^\s\[]+)\[[^\]]*\](?::\d+)?: ([45]\d\d[ -].*)$`)

func splitReason(s string) text {
	if strings.HasPrefix(s, "< ") {
		if m := heard.FindStringSubmatch(s); m != nil {
			return text{own: "<", reply: oneLineReply(m[2]), host: m[1]}
		}
	}
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
			t := text{own: s}
			if m := partner.FindStringSubmatch(s); m != nil {
				t.host = m[1]
			}
			return t
		}
	}
	before, after := s[:at], s[at+len(said):]
	end := strings.LastIndex(after, " (in reply to ")
	if end < 0 {
		end = len(after)
	}
	t := text{own: before + said + strings.TrimSpace(after[end:]), reply: oneLineReply(strings.TrimSuffix(after[:end], ")"))}
	if i := strings.LastIndexByte(before, ' '); i >= 0 || before != "" {
		t.host, _, _ = strings.Cut(before[i+1:], "[")
	}
	return t
}

// partner is the other end in Postfix's own words.
var partner = lazy.MustCompile(`(?:server|host|with|to|for|by) ([A-Za-z0-9][A-Za-z0-9.-]*\.[A-Za-z0-9.-]+)\[`)

// isReply reports whether s begins as an SMTP reply does.
func isReply(s string) bool {
	return len(s) >= 4 && s[0] >= '2' && s[0] <= '5' && s[1] >= '0' && s[1] <= '9' && s[2] >= '0' && s[2] <= '9' &&
		(s[3] == ' ' || s[3] == '-')
}

var again = lazy.MustCompile(`[\s?]+([245]\d\d)[- ]([245]\.\d{1,3}\.\d{1,3} +)?`)

// oneLineReply takes the repeated codes out of a reply of several lines that has
// been written as one: "550-5.7.1 a?550 5.7.1 b" is "550 5.7.1 a b".
func oneLineReply(s string) string {
	s = strings.TrimSpace(s)
	if !isReply(s) {
		return s
	}
	code := s[:3]
	head, rest := code+" ", strings.TrimLeft(s[4:], " -#")
	if strings.Contains(rest, code) {
		rest = again.ReplaceAllStringFunc(rest, func(m string) string {
			if strings.TrimLeft(m, " ?\n\t\r")[:3] == code {
				return " "
			}
			return m
		})
	}
	return head + strings.Join(strings.Fields(rest), " ")
}

var (
	connected = lazy.MustCompile(`(?:connect to |relay=)([^\s,\[]+)\[([^\]]+)\](?::(\d+)|: .*\(port (\d+)\))`)
	named     = lazy.MustCompile(`(?:Name service error for (?:domain )?(?:name=)?|unable to look up host )([^\s:]+)`)
	localName = lazy.MustCompile(`(?i)(^[^.]+|\.(local|localdomain|lan|home|internal|intranet|corp|private|invalid|test|example))$`)
)

// facts are what can be told of a line beyond its words, for the patterns:
// {direct} is a connection to port 25 of no relay service that we know, {own-mx}
// one to the recipient's own mail server, {rcpt-domain} a name that is the
// recipient's, {no-dot} a recipient's domain that no public DNS has.
func facts(own string, t text) string {
	found := ""
	if !strings.Contains(own, ":25") && !strings.Contains(own, "port 25") && !strings.Contains(own, "Name service error") && !strings.Contains(own, "unable to look up host") {
		return ""
	}
	if m := connected.FindStringSubmatch(own); m != nil && m[3]+m[4] == "25" {
		if relayOf(m[1]) == nil && !loopback(m[2]) {
			found += " {direct}"
		}
		if sameOwner(m[1], t.to) {
			found += " {own-mx}"
		}
	}
	if m := named.FindStringSubmatch(own); m != nil {
		_, domain, ok := strings.Cut(t.to, "@")
		if ok && (strings.EqualFold(domain, m[1]) || strings.Contains(own, "type=MX") && relayOf(m[1]) == nil && !strings.Contains(own, "{relay}")) {
			found += " {rcpt-domain}"
			if localName.MatchString(m[1]) {
				found += " {no-dot}"
			}
		}
	}
	return found
}

func loopback(addr string) bool {
	return strings.HasPrefix(addr, "127.") || addr == "::1" || strings.HasPrefix(addr, "/")
}

// mxName is how the hosts that take in a domain's mail are called.
var mxName = lazy.MustCompile(`(^|[-\d])mx|mx(\d|$)|smtp-in|inbound`)

// sameOwner reports whether a host takes in mail, by its name, and has the name
// of the recipient's domain in it: mx3.hotmail.com is of hotmail.it.
func sameOwner(host, to string) bool {
	_, domain, ok := strings.Cut(strings.ToLower(to), "@")
	labels := strings.Split(domain, ".")
	if !ok || len(labels) < 2 {
		return false
	}
	owner := labels[len(labels)-2]
	first, _, _ := strings.Cut(strings.ToLower(host), ".")
	return len(owner) > 3 && mxName.MatchString(first) && strings.Contains("."+strings.ToLower(host)+".", "."+owner+".")
}
