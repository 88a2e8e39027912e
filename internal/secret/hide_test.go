package secret

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
)

// TestHide: forms in which passwords stand in logs and files, and what is none.
func TestHide(t *testing.T) {
	plain := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	for in, want := range map[string]string{
		"warning: /etc/postfix/main.cf, line 49: overriding earlier entry: smtp_sasl_password_maps=static:apikey:SG.x": "warning: /etc/postfix/main.cf, line 49: overriding earlier entry: smtp_sasl_password_maps=static:***",
		`warning: empty macro name: "static:greenroad:12$4&5*5"`:                                                       `warning: empty macro name: "static:***`,
		"smtp_sasl_password_maps = static:token hash:/etc/postfix/sasl_passwd":                                         "smtp_sasl_password_maps = static:*** hash:/etc/postfix/sasl_passwd",
		"smtp_sasl_password_maps = static:{user: pass word} texthash:/x":                                               "smtp_sasl_password_maps = static:{***} texthash:/x",
		"smtp_sasl_password_maps = inline:{[a.example]:587=u:p, {b.example = u:p q}}":                                  "smtp_sasl_password_maps = inline:{***}",
		"sender_dependent_default_transport_maps = inline:{ @a.example=smtp:[b.example]:25 }":                          "sender_dependent_default_transport_maps = inline:{ @a.example=smtp:[b.example]:25 }",
		"transport_maps = static:smtp:[mail.example.net]:587":                                                          "transport_maps = static:smtp:[mail.example.net]:587",
		"default = pipemap:{hash:/etc/postfix/a,static:smtp:}":                                                         "default = pipemap:{hash:/etc/postfix/a,static:smtp:}",
		"virtual_uid_maps = static:5000":                                                                               "virtual_uid_maps = static:5000",
		"relay_recipient_maps = static:all":                                                                            "relay_recipient_maps = static:all",
		"x = static:shop-smtp:[mail.example.net]":                                                                      "x = static:shop-smtp:[mail.example.net]",
		"[smtp.sendgrid.net]:587 apikey:SG.secret":                                                                     "[smtp.sendgrid.net]:587 ***",
		"smtp.example.net\tuser@example.org:p@ss word":                                                                 "smtp.example.net\t***",
		"@domain1.example user1:password_1":                                                                            "@domain1.example ***",
		"example.com smtp:[mail.example.com]:25":                                                                       "example.com smtp:[mail.example.com]:25",
		"@shop.example shop-smtp:":                                                                                     "@shop.example shop-smtp:",
		"AUTH PLAIN " + plain("\x00u\x00secret"):                                                                       "AUTH PLAIN ***",
		"250-AUTH PLAIN LOGIN CRAM-MD5":                                                                                "250-AUTH PLAIN LOGIN CRAM-MD5",
		"250-AUTH=LOGIN PLAIN":                                                                                         "250-AUTH=LOGIN PLAIN",
		"postfix/smtp[7]: > smtp.example.net[192.0.2.1]:587: c2VjcmV0":                                                 "postfix/smtp[7]: > smtp.example.net[192.0.2.1]:587: ***",
		"postfix/smtp[7]: > smtp.example.net[192.0.2.1]:587: STARTTLS":                                                 "postfix/smtp[7]: > smtp.example.net[192.0.2.1]:587: STARTTLS",
		"postfix/smtp[7]: < smtp.example.net[192.0.2.1]:587: 334 VXNlcm5hbWU6":                                         "postfix/smtp[7]: < smtp.example.net[192.0.2.1]:587: 334 VXNlcm5hbWU6",
		"sent " + plain("user=u\x01auth=Bearer ya29.x\x01\x01"):                                                        "sent ***",
		"smtp_sasl_passwd_lookup: host `smtp.example.net' user `u' pass `secret'":                                      "smtp_sasl_passwd_lookup: host `smtp.example.net' user `u' pass `***",
		"maps_find: smtp_sasl_password_maps: hash:/etc/postfix/sasl_passwd(0,lock): h = u:secret":                      "maps_find: smtp_sasl_password_maps: hash:/etc/postfix/sasl_passwd(0,lock): h = ***",
		"smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd":                                                      "smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd",
		"password=hunter22 user=jane":                                                                                  "password=*** user=jane",
		"relay=smtp.example.net[192.0.2.1]:587, delay=0.5, status=sent (250 2.0.0 Ok: queued as A)":                    "relay=smtp.example.net[192.0.2.1]:587, delay=0.5, status=sent (250 2.0.0 Ok: queued as A)",
		"Nov 25 20:55:17 host postfix/error[9644]: 99210A4C11: to=<a@b.example>, relay=none":                           "Nov 25 20:55:17 host postfix/error[9644]: 99210A4C11: to=<a@b.example>, relay=none",
		"password = hunter22":                                                                                          "password = ***",
		"postfix/smtp[1]: cfg_get_str: ldap:/etc/postfix/l.cf: bind_pw = hunter 22":                                    "postfix/smtp[1]: cfg_get_str: ldap:/etc/postfix/l.cf: bind_pw = ***",
		"warning: connect to pgsql server postgresql://mail:hunter22@db/mail: refused":                                 "warning: connect to pgsql server postgresql://mail:***@db/mail: refused",
		"[smtp.example.net]:587 user hunter22":                                                                         "[smtp.example.net]:587 ***",
		"[smtp.example.net]:587 hunter22":                                                                              "[smtp.example.net]:587 ***",
		"smtp.example.net user pw":                                                                                     "smtp.example.net user ***",
		"example.net\tme@example.org\tx":                                                                               "example.net\tme@example.org\t***",
		"192.0.2.7 user abc":                                                                                           "192.0.2.7 user ***",
		"535 5.7.3 Authentication unsuccessful\n5.7.3 Authentication unsuccessful":                                     "535 5.7.3 Authentication unsuccessful\n5.7.3 Authentication unsuccessful",
		"smtp.example.net port 587":                                                                                    "smtp.example.net port 587",
		"smtp.example.net MX 10":                                                                                       "smtp.example.net MX 10",
		"127.0.1.1 web1.example.net web1":                                                                              "127.0.1.1 web1.example.net web1",
		"spam.example REJECT spam":                                                                                     "spam.example REJECT spam",
		"smtp.example.net user hunter22":                                                                               "smtp.example.net user ***",
		"smtp.example.net is unreachable":                                                                              "smtp.example.net is unreachable",
		"[smtp.example.net]:587 encrypt":                                                                               "[smtp.example.net]:587 encrypt",
		"[smtp.example.net]:587 secure match=nexthop":                                                                  "[smtp.example.net]:587 secure match=nexthop",
		`warning: hash:/etc/postfix/p: key "[a.example]:587": non-UTF-8 value "u:hunter22": ignored`:                   `warning: hash:/etc/postfix/p: key "[a.example]:587": non-UTF-8 value "***`,
		`warning: /etc/postfix/sasl_passwd, line 1: record "[a.example]:587 u:hunter22"`:                               `warning: /etc/postfix/sasl_passwd, line 1: record "[a.example]:587 ***`,
		"xsasl_cyrus_client_get_passwd: hunter22":                                                                      "xsasl_cyrus_client_get_passwd: ***",
		"xsasl_cyrus_client_first: uncoded initial reply: ?u?hunter22":                                                 "xsasl_cyrus_client_first: uncoded initial reply: ***",
		"dict_proxy_lookup: table=hash:/x flags=lock key=@a.example -> status=0 result=u:hunter22":                     "dict_proxy_lookup: table=hash:/x flags=lock key=@a.example -> status=0 result=***",
		"dict_proxy_lookup: table=hash:/x flags=lock key=a.example -> status=0 result=smtp:[mail.a.example]":           "dict_proxy_lookup: table=hash:/x flags=lock key=a.example -> status=0 result=smtp:[mail.a.example]",
		`{"user":"u","password": "hunter22", "x":1}`:                                                                   `{"user":"u","password": "***", "x":1}`,
		"Authorization: Bearer ya29.hunter22":                                                                          "Authorization: Bearer ***",
		"smtp_sasl_password_maps = randmap:{u:hunter22}":                                                               "smtp_sasl_password_maps = randmap:{***}",
		"transport_maps = randmap:{smtp:[a.example], smtp:[b.example]}":                                                "transport_maps = randmap:{smtp:[a.example], smtp:[b.example]}",
		"535 5.7.8 Authentication credentials invalid":                                                                 "535 5.7.8 Authentication credentials invalid",
	} {
		t.Run(in, func(t *testing.T) {
			if got := Hide(in); got != want {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

// FuzzHide: a marked password never survives in the forms that logs and table
// files give it, whatever stands around it.
func FuzzHide(f *testing.F) {
	f.Add("user", "x", "Nov 25 20:55:17 host postfix/smtp[1]: ", 0)
	f.Add("apikey", "$4&5*5", "", 3)
	f.Add("me@example.org", "a,b;c", "warning: ", 5)
	f.Fuzz(func(t *testing.T, user, tail, before string, form int) {
		const mark = "Gehe1mPa55-42"
		clean := func(s string) string {
			return strings.Map(func(r rune) rune {
				if r <= ' ' || r == 0x7f || strings.ContainsRune(":{}`'\"[]/", r) || r == '\uFFFD' || r == '\u0085' || r == '\u00a0' {
					return -1
				}
				return r
			}, strings.ToValidUTF8(s, ""))
		}
		user, tail = clean(user), clean(tail)
		before = strings.Map(func(r rune) rune {
			if r < ' ' || r == '{' || r == '}' {
				return -1
			}
			return r
		}, strings.ToValidUTF8(before, ""))
		if user == "" || isTransport(user+":x") {
			user = "user"
		}
		password := mark + tail
		encoded := base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + password))
		alone := base64.StdEncoding.EncodeToString([]byte(password))
		forms := []string{
			before + " smtp_sasl_password_maps=static:" + user + ":" + password,
			before + " static:" + user + ":" + password + " more",
			"smtp_sasl_password_maps = static:{" + user + ":" + password + "}",
			"smtp_sasl_password_maps = inline:{[smtp.example.net]:587=" + user + ":" + password + "}",
			"[smtp.example.net]:587 " + user + ":" + password,
			"smtp.example.net\t" + user + ":" + password,
			"@example.org " + user + ":" + password,
			before + " AUTH PLAIN " + encoded,
			before + " AUTH LOGIN " + alone,
			before + " > smtp.example.net[192.0.2.1]:587: " + alone,
			before + " " + encoded + " ",
			before + " user `" + user + "' pass `" + password + "'",
			before + " maps_find: smtp_sasl_password_maps: hash:/etc/postfix/sasl_passwd(0,lock): h = " + user + ":" + password,
			before + " password=" + mark,
			before + " password = " + password,
			before + " bind_pw = " + password,
			"[smtp.example.net]:587 " + user + " " + password,
			"smtp.example.net:587 " + password,
			"smtp.example.net " + user + " " + password,
			before + " non-UTF-8 value \"" + user + ":" + password + "\": ignored",
			before + " xsasl_cyrus_client_get_passwd: " + password,
			before + " postgresql://user:" + mark + "@db.example/mail",
			before + " Authorization: Bearer " + password,
			before + " \"password\": \"" + mark + "\"",
		}
		text := forms[(form%len(forms)+len(forms))%len(forms)]
		got := Hide(text)
		for _, secret := range []string{mark, encoded, alone} {
			if strings.Contains(got, secret) {
				t.Errorf("Hide of form %d: got the password in the result, want none of it", form)
			}
		}
		if again := Hide(got); strings.Contains(again, mark) {
			t.Errorf("Hide of form %d twice: got the password in the result, want none of it", form)
		}
	})
}

// FuzzHideShort: a password of any length never survives in a line of a password table
// that lacks the colon, whatever the user is called.
func FuzzHideShort(f *testing.F) {
	f.Add("user", "pw", "smtp.example.net", 0)
	f.Add("me@example.org", "x", "example.net", 1)
	f.Add("a", "12345", "[smtp.example.net]:587", 2)
	f.Add("AKIA", "abc!", "10.0.0.7", 3)
	f.Add("apikey", "SG.xy", "smtp-relay.example.net:587", 4)
	f.Fuzz(func(t *testing.T, user, password, host string, form int) {
		word := func(s string) string {
			return strings.Map(func(r rune) rune {
				if r <= ' ' || r > '~' || strings.ContainsRune("`'\"#{}:", r) {
					return -1
				}
				return r
			}, s)
		}
		user, password = word(user), word(password)
		hosts := []string{"smtp.example.net", "example.net", "[smtp.example.net]:587", "10.0.0.7", "smtp-relay.example.net:587"}
		if host = word(host); !isHost(host) || !threeWords.MatchString(host+" u p") {
			host = hosts[(form%len(hosts)+len(hosts))%len(hosts)]
		}
		if user == "" || password == "" || password == Mask || !isLogin(user, password) || strings.HasPrefix(host, "[") && slices.Contains(levels, user) {
			return // the rest of a sentence, or a line of another table
		}
		for _, space := range []string{" ", "\t", "   "} {
			for _, end := range []string{"", "\n", " \r\n"} {
				text := host + space + user + space + password + end
				fields := strings.Fields(Hide(text))
				if got := fields[len(fields)-1]; got != Mask {
					t.Errorf("Hide of a line for %s, blank %q, end %q: got another last word than %s, want the password hidden", host, space, end, Mask)
				}
			}
		}
	})
}
