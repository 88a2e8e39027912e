package explain

import (
	"strings"

	"relayhost/internal/lazy"
	"relayhost/internal/secret"
	"relayhost/internal/smtpprobe"
)

// secrets are where a text can hold one: verbose logs, transcripts, command lines
// and tables. What the second group matches is left out.
var secrets = []*lazy.Regexp{
	lazy.MustCompile(`(?is)(\bAUTH[ =:]+(?:PLAIN|LOGIN|XOAUTH2|OAUTHBEARER|CRAM-MD5|NTLM|"?)\s+"?)([A-Za-z0-9+/=_-]{3,})`),
	lazy.MustCompile(`(?i)(\bpass(?:w(?:or)?d)?(?:_?phrase)?["'\x60]?\s*(?:[=:]+>?|\bis\b)?\s*["'\x60]+)([^"'\x60\n]+)`),
	lazy.MustCompile(`(?i)((?:pass(?:w(?:or)?d)?|passphrase|secret|token|api[_-]?key|authpass|pwd|access_key|smtp_pass\w*|AuthPass)["'\x60]?\s*(?:=>|[=:])+\s*)([^\s"'\x60]\S*)`),
	lazy.MustCompile(`(?i)(\s(?:-ap|--auth-password|--password|-xp|-p(?:ass)?|--passwd?|--oauth2-bearer)[ =]+["']?)(\S+)`),
	lazy.MustCompile(`(?i)((?:--user|-u|--proxy-user)[ =]+["']?[^\s:"']+:)(\S+)`),
	lazy.MustCompile(`(?i)(\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)([^\s@/]+)(?:@)`),
	lazy.MustCompile(`(\[[^\]\s]+\](?::\w+)?\s+[^\s:]+:)(\S+)`),
	lazy.MustCompile(`(?i)(\b(?:Bearer|auth=Bearer)\s+)(\S+)`),
	lazy.MustCompile(`(?i)(334 (?:VXNlcm5hbWU6|UGFzc3dvcmQ6|\S*)\s*\n\s*(?:C: |>> |-> |> |~> |CLIENT -> SERVER: )?)([^\s2-5]\S*|[2-5]\d{0,1}[^\d\s]\S*)`),
	// Whatever else looks like one: an API key, a token.
	lazy.MustCompile(`()(\b(?:SG\.[\w-]{10,}|xsmtpsib-[\w-]+|key-[0-9a-f]{20,}|re_[\w]{16,}|AKIA[0-9A-Z]{16}|eyJ[\w-]{20,}\S*|ya29\.\S+))`),
}

// Redacted takes secrets out of a text and makes what is left safe for a terminal.
// Line ends stay.
func Redacted(s string) string {
	for _, re := range secrets {
		s = re.ReplaceAllString(s, "${1}"+secret.Mask)
	}
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = smtpprobe.Sanitize(strings.TrimRight(line, "\r"))
	}
	return strings.Join(lines, "\n")
}

var (
	mailbox  = lazy.MustCompile(`[^\s<>"'(),;:=\[\]]+@[A-Za-z0-9.-]+`)
	ipv4     = lazy.MustCompile(`\b\d{1,3}(?:\.\d{1,3}){3}\b`)
	ipv6     = lazy.MustCompile(`\b(?:[0-9a-fA-F]{1,4}:){2,7}(?::|[0-9a-fA-F]{1,4})(?:[0-9a-fA-F:]*)\b`)
	logHost  = lazy.MustCompile(`(?m)^((?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S+) )(\S+) `)
	userName = lazy.MustCompile(`(?i)(\buser(?:name)?[ =:]+["'\x60]?)([^\s"'\x60,;)]+)`)
)

// masked is a text to paste into a report: without secrets, addresses of people
// and of machines, and the name of this host.
func masked(s string) string {
	s = Redacted(s)
	s = mailbox.ReplaceAllString(s, "user@example.org")
	s = logHost.ReplaceAllString(s, "${1}host ")
	s = userName.ReplaceAllString(s, "${1}user")
	s = ipv6.ReplaceAllStringFunc(s, func(m string) string {
		if strings.Count(m, ":") < 3 { // a time of day
			return m
		}
		return "2001:db8::1"
	})
	s = ipv4.ReplaceAllString(s, "192.0.2.1")
	return hostName.ReplaceAllStringFunc(s, func(name string) string {
		low := strings.ToLower(name)
		switch {
		case relayOf(low) != nil, low == "example.org", strings.HasSuffix(low, ".cf"), strings.Trim(low, "0123456789.-") == "", len(strings.Trim(low[strings.LastIndexByte(low, '.')+1:], "abcdefghijklmnopqrstuvwxyz")) > 0:
			return name
		}
		return "host.example"
	})
}
