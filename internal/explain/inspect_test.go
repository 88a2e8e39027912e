package explain

import (
	"maps"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"relayhost/internal/lint"
	"relayhost/internal/postfix"
	"relayhost/internal/smtpprobe"
)

// sound is a host as setup leaves it.
func sound(t *testing.T) (map[string]string, string) {
	t.Helper()
	return map[string]string{
		"default_transport": "relayhost-ses", "relayhost": "[smtp.example.com]:587", "myhostname": "host.example.com",
		"smtp_sasl_auth_enable": "yes", "smtp_sasl_password_maps": "hash:/etc/postfix/sasl_passwd",
		"smtp_sasl_security_options": "noplaintext,noanonymous", "smtp_tls_policy_maps": "hash:/etc/postfix/policy",
		"smtp_helo_name": "host.example.com", "mydestination": "host.example.com, localhost", "header_size_limit": "102400",
		"compatibility_level": "3.6",
	}, "relayhost-ses unix - - n - 20 smtp\n  -o smtp_sasl_tls_verified_security_options=noanonymous\n  -o smtp_tls_CAfile=/ca.pem\n"
}

// Defects that the first newcomers met, by the test of the right behaviour.
var _ = map[string]func(*testing.T){
	"D14: the cause of another certificate for one that is not the pinned one":   TestProbeCauses,
	"D16: verify fails a stock Debian for a chroot without TLS that is verified": TestInspect,
}

func TestInspect(t *testing.T) {
	tests := []struct {
		name   string
		params map[string]string
		master string // replaces the entry
		change func(*postfix.State)
		want   string
	}{
		{name: "as setup leaves it"},
		{name: "no brackets", params: map[string]string{"relayhost": "smtp.example.com:587"}, want: "dns_mx_no_brackets starttls_required"},
		{name: "port in the brackets", params: map[string]string{"relayhost": "[smtp.example.com:587]"}, want: "relayhost_syntax starttls_required"},
		{name: "two colons", params: map[string]string{"relayhost": "[smtp.example.com]:587:465"}, want: "relayhost_syntax starttls_required"},
		{name: "comment", params: map[string]string{"relayhost": "[smtp.example.com]:587 # ses"}, want: "relayhost_syntax"},
		{name: "comment in front", params: map[string]string{"relayhost": "# [smtp.example.com]:587"}, want: "dns_mx_no_brackets relayhost_syntax starttls_required"},
		{name: "comment behind a fallback", params: map[string]string{"smtp_fallback_relay": "[other.example.com] # spare"}, want: "relayhost_syntax"},
		{name: "loop", params: map[string]string{"relayhost": "[HOST.example.com]:587"}, want: "loop_to_self starttls_required"},
		{name: "no auth", params: map[string]string{"smtp_sasl_auth_enable": "no"}, want: "auth_not_enabled"},
		{name: "auth off in master.cf", master: "relayhost-ses unix - - n - - smtp -o smtp_sasl_auth_enable=no\n", want: "auth_not_enabled"},
		{name: "no plugins", change: func(s *postfix.State) { s.SASLPlugins = []string{"CRAM-MD5"} }, want: "sasl_plugins_missing"},
		{name: "default options", master: "relayhost-ses unix - - n - - smtp\n", want: "sasl_noplaintext_default"},
		{name: "filter", params: map[string]string{"smtp_sasl_mechanism_filter": "digestmd5"}, want: "sasl_mech_filter"},
		{name: "filter that fits", params: map[string]string{"smtp_sasl_mechanism_filter": "plain, login"}},
		{name: "no hash", change: func(s *postfix.State) { s.MapTypes = []string{"lmdb", "texthash"} }, want: "map_type_unsupported"},
		{name: "may", change: func(s *postfix.State) {
			s.Maps["/etc/postfix/policy"] = []byte("[smtp.example.com]:587 may\n")
		}, want: "tls_opportunistic_cleartext"},
		{name: "no TLS", change: func(s *postfix.State) { s.Maps = nil }, want: "starttls_required"},
		{name: "misspelt level", change: func(s *postfix.State) {
			s.Maps["/etc/postfix/policy"] = []byte("[smtp.example.com]:587 encrypted\n")
		}, want: "smtp_fatal_level"},
		{name: "wrapper mode on 587", params: map[string]string{"smtp_tls_wrappermode": "yes"}, want: "tls_587_wrappermode"},
		{name: "465 without", params: map[string]string{"relayhost": "[smtp.example.com]:465", "smtp_tls_security_level": "secure"}, want: "tls_465_no_wrappermode"},
		{name: "wrapper mode without level", params: map[string]string{"relayhost": "[smtp.example.com]:465", "smtp_tls_wrappermode": "yes", "smtp_tls_security_level": "may"}, want: "tls_opportunistic_cleartext tls_wrappermode_level"},
		{name: "jail", params: map[string]string{"smtp_tls_CApath": "/etc/ssl/certs"},
			master: "relayhost-ses unix - - y - - smtp -o smtp_sasl_tls_verified_security_options=noanonymous\n", want: "tls_capath_chroot"},
		{name: "jail of a stock Debian, which verifies nothing", params: map[string]string{"smtp_tls_CApath": "/etc/ssl/certs"},
			master: "relayhost-ses unix - - y - - smtp -o smtp_sasl_tls_verified_security_options=noanonymous\n",
			change: func(s *postfix.State) { s.Maps["/etc/postfix/policy"] = []byte("[smtp.example.com]:587 may\n") }, want: "tls_opportunistic_cleartext"},
		{name: "verbose", master: "relayhost-ses unix - - n - - smtp -v -o smtp_sasl_tls_verified_security_options=noanonymous\n", want: "verbose_log_leaks_password"},
		{name: "own domain", params: map[string]string{"mydestination": "Example.com localhost"}, want: "mydestination_domain"},
		{name: "HELO", params: map[string]string{"smtp_helo_name": "localhost"}, want: "helo_localhost"},
		{name: "headers", params: map[string]string{"header_size_limit": "1000"}, want: "header_size"},
		{name: "typo", change: func(s *postfix.State) {
			s.Warnings = []string{"postconf: warning: /etc/postfix/main.cf: unused parameter: relay_host=[x]"}
		}, want: "maincf_typo"},
		{name: "deferred transport", params: map[string]string{"defer_transports": "relayhost-ses"}, want: "transport_deferred"},
		{name: "deferred beside another", params: map[string]string{"defer_transports": "uucp, relayhost-ses"}, want: "transport_deferred"},
		{name: "another transport deferred", params: map[string]string{"defer_transports": "smtp, uucp"}},
		{name: "down", change: func(s *postfix.State) { s.Running = false }, want: "postfix_down"},
		{name: "twice and a comment", change: func(s *postfix.State) {
			s.Main, _ = postfix.ParseMain([]byte("relayhost = [a]:1\nrelayhost = [smtp.example.com]:587 # ses\n"))
		}, want: "maincf_inline_comment maincf_duplicate"},
		{name: "not installed", change: func(s *postfix.State) { s.Installed = false }},
	}
	seen := map[string]bool{}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			params, master := sound(t)
			maps.Copy(params, tt.params)
			if tt.master != "" {
				master = tt.master
			}
			m, err := postfix.ParseMaster([]byte(master))
			if err != nil {
				t.Fatal(err)
			}
			s := postfix.State{Installed: true, Running: true, Params: params, Master: m, DefaultMap: "hash", SASLTypes: []string{"cyrus"}, SASLPlugins: []string{"PLAIN"},
				Maps: map[string][]byte{"/etc/postfix/policy": []byte("[smtp.example.com]:587 secure\n")}}
			if tt.change != nil {
				tt.change(&s)
			}
			var got []string
			for _, sign := range Inspect(s, "a@example.com") {
				if sign.Holds {
					got = append(got, sign.Cause)
					seen[sign.Cause] = true
				}
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	for _, c := range lint.RouteRules() {
		if _, ok := ByID(c.ID); !ok {
			t.Errorf("rule %s: got no cause of this ID, want one", c.ID)
		}
		if !seen[c.ID] {
			t.Errorf("rule %s: got no case that shows it, want one", c.ID)
		}
	}
}

// TestCommentBehindNextHop: what smtp(8) logs when it comes to a comment is confirmed by
// whatever has the comment.
func TestCommentBehindNextHop(t *testing.T) {
	const line = "postfix/smtp[178]: fatal: valid hostname or network address required in server description: #"
	for name, tt := range map[string]struct {
		params map[string]string
		master string
		tables map[string]string
		want   string // what the finding begins with
	}{
		"relayhost":           {params: map[string]string{"relayhost": "[smtp.example.com]:587 # ses"}, want: `main.cf: relayhost: "#" is taken for one more next hop`},
		"default_transport":   {params: map[string]string{"default_transport": "relayhost-ses:[smtp.example.com]:587, # ses"}, want: `main.cf: default_transport: "#" is taken`},
		"smtp_fallback_relay": {params: map[string]string{"smtp_fallback_relay": "# none"}, want: `main.cf: smtp_fallback_relay: "#" is taken for the first next hop`},
		"an option":           {master: "  -o { smtp_fallback_relay = [b.example] # b }\n", want: `master.cf: relayhost-ses/unix: smtp_fallback_relay: "#" is taken for one more`},
		"transport_maps":      {params: map[string]string{"transport_maps": "hash:/t"}, tables: map[string]string{"/t": "a.example relayhost-ses:[b.example] # b\n"}, want: `/t: the entry for a.example: "#" is taken`},
		"relays of senders":   {params: map[string]string{"sender_dependent_relayhost_maps": "hash:/t"}, tables: map[string]string{"/t": "@a.example [b.example] # b\n"}, want: `/t: the entry for @a.example: "#" is taken`},
	} {
		t.Run(name, func(t *testing.T) {
			params, master := sound(t)
			maps.Copy(params, tt.params)
			s := postfix.State{Installed: true, Running: true, Params: params, DefaultMap: "hash", Maps: map[string][]byte{}}
			var err error
			if s.Master, err = postfix.ParseMaster([]byte(master + tt.master)); err != nil {
				t.Fatal(err)
			}
			text := ""
			for name, value := range params {
				text += name + " = " + value + "\n"
			}
			if s.Main, err = postfix.ParseMain([]byte(text)); err != nil {
				t.Fatal(err)
			}
			for path, table := range tt.tables {
				s.Maps[path] = []byte(table)
			}
			signs := Inspect(s, "")
			got := Decide(Text(line, nil), signs)[0]
			sign, _ := signs.About("relayhost_syntax")
			if got.ID != "relayhost_syntax" || !got.Confirmed || !strings.HasPrefix(sign.String(), tt.want) {
				t.Errorf("got %s, confirmed %t, by %q, want relayhost_syntax, confirmed by %q", got.ID, got.Confirmed, sign, tt.want)
			}
		})
	}
}

func TestRoute(t *testing.T) {
	for hop, want := range map[string]struct {
		host string
		port int
	}{
		"[smtp.example.com]:587": {"smtp.example.com", 587}, "[smtp.example.com]": {"smtp.example.com", 25},
		"smtp.example.com:2525": {"smtp.example.com", 2525}, "[2001:db8::1]:465": {"2001:db8::1", 465},
		"": {"", 0}, "smtp.example.com": {"smtp.example.com", 25}, "[smtp.example.com]:submission": {"smtp.example.com", 587},
		"[smtp.example.com:587]": {"", 0},
	} {
		t.Run("relayhost = "+hop, func(t *testing.T) {
			r := postfix.RouteOf(postfix.State{Params: map[string]string{"relayhost": hop}}).First()
			if r.Host != want.host || r.Port != want.port {
				t.Errorf("got %s and %d, want %s and %d", r.Host, r.Port, want.host, want.port)
			}
		})
	}
	r := postfix.RouteOf(postfix.State{Params: map[string]string{"relayhost": "[a]:1", "default_transport": "smtp:[b]:2"}}).First()
	if r.Text != "[b]:2" {
		t.Errorf("next hop %s, want %q", r.Text, "[b]:2")
	}
}

// TestContentFilter: a filter on this host that is down is not taken for the
// relay, and a relay behind a tunnel of this host not for a filter.
func TestContentFilter(t *testing.T) {
	const dead = "postfix/smtp[178]: connect to 127.0.0.1[127.0.0.1]:10024: Connection refused"
	for _, tt := range []struct{ name, main, master, want string }{
		{"in main.cf", "smtp-amavis:[127.0.0.1]:10024", "relayhost-ses unix - - n - - smtp\n", "content_filter_down"},
		{"in master.cf", "", "smtp inet n - y - - smtpd -o content_filter=smtp-amavis:[127.0.0.1]:10024\n", "content_filter_down"},
		{"none", "", "relayhost-ses unix - - n - - smtp\n", "net_refused"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			params, _ := sound(t)
			params["content_filter"] = tt.main
			m, err := postfix.ParseMaster([]byte(tt.master))
			if err != nil {
				t.Fatal(err)
			}
			signs := Inspect(postfix.State{Installed: true, Running: true, Params: params, Master: m}, "")
			causes := Decide(Text(dead, nil), signs)
			if causes[0].ID != tt.want {
				t.Errorf("got %s, want %s first", ids(causes), tt.want)
			}
			relay := Decide(Text("postfix/smtp[178]: connect to smtp.example.com[192.0.2.1]:587: Connection refused", nil), signs)
			if relay[0].ID != "net_refused" {
				t.Errorf("the relay: got %s, want net_refused first", ids(relay))
			}
		})
	}
}

func TestProbeCauses(t *testing.T) {
	ses := relayOf("email-smtp.eu-west-1.amazonaws.com")
	six := netip.MustParseAddrPort("[2001:db8::1]:587")
	tests := []struct {
		name   string
		result smtpprobe.Result
		want   string
	}{
		{"connection times out", smtpprobe.Result{Fault: smtpprobe.FaultTimeout, Failed: smtpprobe.StepConnect}, "net_timeout"},
		{"greeting times out", smtpprobe.Result{Fault: smtpprobe.FaultTimeout, Failed: smtpprobe.StepGreeting}, "net_greeting_timeout"},
		{"TLS handshake reset", smtpprobe.Result{Fault: smtpprobe.FaultReset, Failed: smtpprobe.StepTLS}, "tls_handshake_dropped"},
		{"EHLO reset", smtpprobe.Result{Fault: smtpprobe.FaultReset, Failed: smtpprobe.StepEHLO}, "dialogue_dropped"},
		{"login times out", smtpprobe.Result{Fault: smtpprobe.FaultTimeout, Failed: smtpprobe.StepAuth}, "dialogue_dropped"},
		{"CRAM-MD5 alone", smtpprobe.Result{Fault: smtpprobe.FaultNoMechanism, Failed: smtpprobe.StepAuth, Auth: []string{"CRAM-MD5"}}, "auth_no_mechanism"},
		{"XOAUTH2 alone", smtpprobe.Result{Fault: smtpprobe.FaultNoMechanism, Failed: smtpprobe.StepAuth, Auth: []string{"XOAUTH2"}}, "sasl_oauth_only"},
		{"greylisted", smtpprobe.Result{Fault: smtpprobe.FaultReply, Failed: smtpprobe.StepRcpt, Code: 451, Text: "4.7.1 Greylisted, please come back"}, "later"},
		{"no route by IPv6", smtpprobe.Result{Fault: smtpprobe.FaultNoRoute, Failed: smtpprobe.StepConnect, Addr: six}, "net_unreachable_v6"},
		{"TLS fails", smtpprobe.Result{Fault: smtpprobe.FaultTLS, Failed: smtpprobe.StepTLS, Err: syscall.EINVAL}, "tls_handshake_failure"},
		{"credentials of SES rejected", smtpprobe.Result{Fault: smtpprobe.FaultReply, Failed: smtpprobe.StepAuth, Code: 535, Text: "Authentication Credentials Invalid"}, "ses_credentials_invalid ses_iam_secret ses_region_mismatch"},
		{"STARTTLS deferred", smtpprobe.Result{Fault: smtpprobe.FaultReply, Failed: smtpprobe.StepSTARTTLS, Code: 454, Text: "4.7.0 TLS not available due to local problem"}, "tls_refused"},
		{"another fingerprint", smtpprobe.Result{Fault: smtpprobe.FaultUntrusted, Failed: smtpprobe.StepTLS, Err: smtpprobe.ErrPin}, "tls_fingerprint"},
		{"untrusted", smtpprobe.Result{Fault: smtpprobe.FaultUntrusted, Failed: smtpprobe.StepTLS, Err: syscall.EINVAL}, "tls_untrusted_issuer"},
		{"no fault", smtpprobe.Result{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := ids(Probe(tt.result, ses)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	for fault, id := range faults {
		if _, ok := ByID(id); !ok {
			t.Errorf("fault %s: got no cause %s, want one", fault, id)
		}
	}
}

// Of a bounce that names a recipient of this host, the look at the sender's domain says nothing.
func TestAnotherDomainIsNotRefuted(t *testing.T) {
	for id, want := range map[string]bool{"mydestination_domain": false, "map_key_mismatch": true} {
		t.Run(id, func(t *testing.T) {
			c, ok := ByID(id)
			if !ok {
				t.Fatalf("cause %s: got none, want one", id)
			}
			got := Decide([]Cause{c}, Signs{{Cause: id}})
			if len(got) != 1 || got[0].Refuted != want {
				t.Errorf("got %+v, want it refuted: %v", got, want)
			}
		})
	}
}
