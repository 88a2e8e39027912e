package secret

import (
	"encoding/base64"
	"net/netip"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"relayhost/internal/lazy"
)

// Hide masks what looks like a secret in text that this program did not write:
// lines of a log, of main.cf, master.cf or a lookup table, output of a command.
// It knows no password; it knows the forms that passwords take there:
//
//   - tables whose content is in main.cf: static:user:password, inline:{...}
//     (postconf(5), DATABASE_README)
//   - lines of a password table: next hop, white space, user:password
//   - what verbose logs of smtp(8) say: "pass `...'", and lookups in
//     smtp_sasl_password_maps
//   - what tables behind proxymap(8) answer, and values that are no UTF-8
//   - AUTH commands and their responses, also where only the base64 text is left
//   - password=, api_key= and the like, also with " = " as in the files of mysql_table(5),
//     pgsql_table(5) and ldap_table(5), as JSON and as a header; user:password@ in a URL
//
// A transport and next hop ("static:smtp:[host]:25") is no secret. Callers that
// know the secrets call [Redact] as well.
func Hide(text string) string {
	if !strings.ContainsAny(text, ":=`") && len(text) < minTable {
		return text
	}
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		lines[i] = hideLine(line)
	}
	return strings.Join(lines, "")
}

func hideLine(line string) string {
	// Such a line is about a password whatever its form.
	about := strings.Contains(line, "password_maps") || strings.Contains(line, "sasl_passwd")
	line = hideInPlace(line, about)
	line = passQuoted.ReplaceAllString(line, "${1}"+Mask)
	if about {
		line = lookedUp.ReplaceAllStringFunc(line, func(m string) string {
			parts := lookedUp.FindStringSubmatch(m)
			if tableReference.MatchString(parts[2]) {
				return m
			}
			return parts[1] + Mask
		})
	}
	line = hideNamed(line, about)
	line = hideAuth(line)
	if m := tableLine.FindStringSubmatch(line); m != nil && !isTransport(m[3]) && !hostPort.MatchString(m[3]) {
		return m[1] + m[2] + Mask + m[4]
	}
	if m := noColon.FindStringSubmatch(line); m != nil && !slices.Contains(levels, m[2]) {
		return m[1] + Mask + m[3]
	}
	if m := threeWords.FindStringSubmatch(line); m != nil && isHost(m[2]) && isLogin(m[3], m[4]) {
		return m[1] + Mask + m[5]
	}
	return hideBase64(line)
}

// isHost reports whether word is a name or an IPv4 address, and not the enhanced code
// of a reply (RFC 3463) or a version.
func isHost(word string) bool {
	_, err := netip.ParseAddr(word)
	return err == nil || strings.ContainsFunc(word, unicode.IsLetter)
}

// isLogin reports whether two words behind the name of a host are a user and a password,
// however short: not the rest of a sentence, and no entry of another table (access(5),
// smtp_tls_policy_maps, hosts(5), a zone file).
func isLogin(user, password string) bool {
	return !slices.Contains(levels, user) && !slices.Contains(secondWords, strings.ToLower(strings.TrimRight(user, ",:"))) &&
		!strings.HasPrefix(user, password+".") && !actionCode.MatchString(user)
}

var actionCode = lazy.MustCompile(`^[2-5]\d\d$`)

// secondWords stand behind the name of a host or a file and make no login of the third.
var secondWords = strings.Fields("is isn't was are were has have had can cannot can't could did didn't does doesn't do will won't would may must should not no never " +
	"and or but in on at by to from for of with via as than port line says said answers answered replies replied refuses refused rejects rejected defers deferred " +
	"accepts accepted offers offered needs wants takes took closes closed timed resolves resolved expires expired certificate key reply login tls dns mx a aaaa cname ns txt ptr soa srv " +
	"ok reject defer defer_if_permit defer_if_reject discard hold dunno filter redirect bcc info warn prepend permit relay yes none")

// hideNamed masks what a name or the words in front of it make a secret.
func hideNamed(line string, about bool) string {
	line = setting.ReplaceAllString(line, "${1}"+Mask)
	line = keyValue.ReplaceAllString(line, "${1}"+Mask)
	line = member.ReplaceAllString(line, "${1}"+Mask+`"`)
	line = header.ReplaceAllString(line, "${1}"+Mask)
	line = inURL.ReplaceAllString(line, "${1}"+Mask+"@")
	line = quoted.ReplaceAllString(line, "${1}"+Mask)
	line = saslText.ReplaceAllString(line, "${1}"+Mask)
	for _, re := range []*lazy.Regexp{answered, behindHop} {
		if re == behindHop && !about {
			continue
		}
		if m := re.FindStringSubmatch(line); m != nil && !isTransport(m[2]) && !hostPort.MatchString(m[2]) {
			line = m[1] + Mask
		}
	}
	return line
}

// names of values that are secret.
const names = `[\w-]*password|passwd|passphrase|bind_pw|[\w-]*secret|secret_access_key|api[_-]?key|[\w-]*_token`

var (
	// password = x (cfg_parser(3), and its messages in verbose logs)
	setting   = lazy.MustCompile(`(?i)(\b(?:` + names + `)\s+=\s*)\S.*`)
	member    = lazy.MustCompile(`(?i)("(?:` + names + `)"\s*:\s*")(?:[^"\\]|\\.)*"`)
	header    = lazy.MustCompile(`(?i)(^\s*(?:x-)?(?:` + names + `)\s*:\s+|\bauthorization:\s*(?:bearer|basic)\s+)\S.*`)
	inURL     = lazy.MustCompile(`(\b[a-z][a-z0-9+.-]*://[^\s/@:]*:)[^\s@]+@`)
	quoted    = lazy.MustCompile(`(non-UTF-8 (?:value|input) ").*`)                                                                 // dict_utf8.c, dict_thash.c
	saslText  = lazy.MustCompile(`(xsasl_\w+_get_passwd: |uncoded (?:initial reply|client response):? ).*`)                         // xsasl_cyrus_client.c
	answered  = lazy.MustCompile(`(.*\bdict_proxy_\w+: .*\b(?:result|val|value)=)([^\s:]+:\S.*)`)                                   // dict_proxy.c
	behindHop = lazy.MustCompile(`(.*(?:\[[^\]\s]+\](?::\w+)?|[\w-]+\.[\w.-]+:\d+|passwd:)["'` + "`" + `]?\s+)([^\s:/]+:[^\s/].*)`) // a quoted line of a table
	// A line of a password table without a colon; the key is a next hop.
	noColon = lazy.MustCompile(`^(\s*(?:\[[^\]\s]+\](?::\w+)?|[\w-]+\.[\w.-]+:\d+)[ \t]+)(\S+)(?:[ \t]+\S+)?(\s*)$`)
	// The same without brackets and a port: host, user and password.
	threeWords = lazy.MustCompile(`^(\s*([\w-]+(?:\.[\w-]+)+)[ \t]+(\S+)[ \t]+)(\S+)(\s*)$`)
	levels     = []string{"none", "may", "encrypt", "dane", "dane-only", "fingerprint", "verify", "secure", Mask}
)

var (
	// smtp_sasl_proto.c with debug_peer_list: user `x' pass `y'.
	passQuoted = lazy.MustCompile("(?i)(\\bpass(?:word|wd)? [`'\"]).*")
	// maps_find: smtp_sasl_password_maps: hash:/etc/postfix/sasl_passwd(0,...): key = user:password
	lookedUp       = lazy.MustCompile(`(.*?\s=\s)(\S.*)`)
	tableReference = lazy.MustCompile(`^[a-z]+:[/$*{]`)
	keyValue       = lazy.MustCompile(`(?i)\b((?:` + names + `|token)=)[^\s,;&]+`)
	// A whole line of a password table; the key is a next hop, a domain or an address.
	tableLine = lazy.MustCompile(`^(\s*(?:lookup |key )?["'` + "`" + `]?(?:\[[^\]\s]+\](?::\w+)?|[\w-]+\.[\w.-]+(?::\w+)?|localhost(?::\w+)?|[\w-]+:\d+|[^\s:@]*@[\w.-]+))([ \t]+)([^\s:]+:\S.*?)(\s*)$`)
	hostPort  = lazy.MustCompile(`^[\w-]+(\.[\w-]+)+:\d{1,5}(\W|$)`)
	authLine  = lazy.MustCompile(`(?i)\b(AUTH[ =]+(?:PLAIN|LOGIN|XOAUTH2|OAUTHBEARER|CRAM-MD5|DIGEST-MD5|NTLM|SCRAM-[A-Z0-9-]+)[ =]+)(\S+)`)
	typedLine = lazy.MustCompile(`^(\s*(?:C:|~>|>{1,3}|[-=]>)\s+)([A-Za-z0-9+/]{4,}={0,2})\s*$`) // transcripts of other programs
	sentLine  = lazy.MustCompile(`([>]\s[^\s\[]+\[[^\]]*\](?::\w+)?:\s+)([A-Za-z0-9+/]{4,}={0,2})\s*$`)
	base64Run = lazy.MustCompile(`[A-Za-z0-9+/]{8,}={0,2}`)
)

// minLogin is the length of the shortest base64 login: "\x00a\x00b".
const minLogin = 8

// minTable is the length of the shortest line of a password table: "a.b u p".
const minTable = 7

// mechanisms are names that an EHLO reply lists behind AUTH and one mechanism.
var mechanisms = []string{"PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER", "CRAM-MD5", "DIGEST-MD5", "NTLM", "GSSAPI", "EXTERNAL", "ANONYMOUS"}

// hideAuth masks the initial response of an AUTH command (RFC 4954 4) and a line
// that smtp(8) sent and that is nothing but base64.
func hideAuth(line string) string {
	line = authLine.ReplaceAllStringFunc(line, func(m string) string {
		parts := authLine.FindStringSubmatch(m)
		word := strings.ToUpper(strings.Trim(parts[2], ",;.()\"'"))
		if slices.Contains(mechanisms, word) || strings.HasPrefix(word, "SCRAM-") || !base64Run.MatchString(parts[2]) && len(parts[2]) < 4 {
			return m
		}
		return parts[1] + Mask
	})
	for _, re := range []*lazy.Regexp{sentLine, typedLine} {
		if m := re.FindStringSubmatchIndex(line); m != nil && !slices.Contains(verbs, line[m[4]:m[5]]) {
			return line[:m[4]] + Mask + line[m[5]:]
		}
	}
	return line
}

// verbs are the commands of SMTP that are base64 as well.
var verbs = []string{"DATA", "QUIT", "RSET", "NOOP", "STARTTLS", "HELP", "EHLO", "HELO", "AUTH"}

// hideBase64 masks base64 text that decodes to a login: fields parted by NUL (RFC
// 4616) or by Control-A (XOAUTH2).
func hideBase64(line string) string {
	if len(line) < minLogin {
		return line
	}
	return base64Run.ReplaceAllStringFunc(line, func(m string) string {
		data, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(m, "="))
		if err != nil || !utf8.Valid(data) {
			return m
		}
		text := string(data)
		if i := strings.IndexByte(text, 0); i >= 0 && strings.Count(text, "\x00") <= 2 && len(text) > i+1 || strings.Contains(text, "\x01auth=") {
			return Mask
		}
		return m
	})
}

// hideInPlace masks static: and inline: tables.
func hideInPlace(line string, about bool) string {
	var b strings.Builder
	for {
		i, kind := nextInPlace(line)
		if i < 0 {
			b.WriteString(line)
			return b.String()
		}
		i += len(kind)
		b.WriteString(line[:i])
		var value string
		value, line = inPlaceValue(line, i)
		switch inner := strings.TrimSpace(strings.Trim(value, "{}")); {
		case kind == "inline:" && !about && !holdsLogin(inner), kind == "randmap:" && !about, kind == "static:" && !about && !strings.Contains(inner, ":"),
			inner == "", isTransport(inner):
			b.WriteString(value)
		case strings.HasPrefix(value, "{"):
			b.WriteString("{" + Mask + "}")
		default:
			b.WriteString(Mask)
		}
	}
}

// nextInPlace finds the next such table that is not the end of another word.
func nextInPlace(line string) (int, string) {
	first, kind := -1, ""
	for _, k := range []string{"static:", "inline:", "randmap:"} {
		for from := 0; ; {
			i := strings.Index(line[from:], k)
			if i < 0 {
				break
			}
			i += from
			if i == 0 || !isWordByte(line[i-1]) {
				if first < 0 || i < first {
					first, kind = i, k
				}
				break
			}
			from = i + len(k)
		}
	}
	return first, kind
}

func isWordByte(c byte) bool {
	return c == '_' || c == '-' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// inPlaceValue cuts line at i into the table's content, braces included, and the
// rest. Content without braces ends at white space: that is how Postfix splits
// lists. A comma does not end it here, since old versions took it literally.
func inPlaceValue(line string, i int) (value, rest string) {
	s := line[i:]
	if trimmed := strings.TrimLeft(s, " "); strings.HasPrefix(trimmed, "{") {
		depth, lead := 0, len(s)-len(trimmed)
		for j, r := range trimmed {
			switch r {
			case '{':
				depth++
			case '}':
				if depth--; depth == 0 {
					return trimmed[:j+1], trimmed[j+1:]
				}
			}
		}
		return s[lead:], "" // cut off: all of it is the table's
	}
	if i := strings.IndexAny(s, " \t\r\n"); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// holdsLogin reports whether an inline table has a value of the form user:password.
func holdsLogin(content string) bool {
	for _, entry := range strings.FieldsFunc(content, func(r rune) bool { return r == ',' || r == '{' || r == '}' }) {
		_, value, ok := strings.Cut(entry, "=")
		if value = strings.TrimSpace(value); ok && strings.Contains(value, ":") && !isTransport(value) {
			return true
		}
	}
	return false
}

// isTransport reports whether a value is a transport and next hop (transport(5)),
// or another table, in place of a user and a password.
func isTransport(value string) bool {
	name, rest, ok := strings.Cut(value, ":")
	if !ok {
		return false
	}
	switch {
	case slices.Contains(transports, name):
		return true
	case strings.Trim(rest, "\"'}),. ") == "": // x-smtp:
		return true
	case strings.HasPrefix(rest, "["): // x-smtp:[host]:25
		return nextHop.MatchString(rest)
	case strings.HasPrefix(rest, "/"): // hash:/etc/postfix/table
		return tableTypes.MatchString(name)
	}
	return false
}

var (
	transports = []string{"smtp", "smtps", "relay", "lmtp", "local", "virtual", "error", "retry", "discard", "pipe", "uucp", "defer", "bounce"}
	nextHop    = lazy.MustCompile(`^\[[0-9A-Za-z.:-]+\](:\w+)?$`)
	tableTypes = lazy.MustCompile(`^(hash|btree|lmdb|cdb|dbm|texthash|regexp|pcre|cidr|proxy|mysql|pgsql|ldap|sqlite|unix|socketmap|memcache)$`)
)
