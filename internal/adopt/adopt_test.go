package adopt_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"relayhost/internal/adopt"
	"relayhost/internal/config"
	"relayhost/internal/host"
	"relayhost/internal/lab/growth"
	"relayhost/internal/lab/handmade"
	"relayhost/internal/postfix"
	"relayhost/relays"
)

var update = flag.Bool("update", false, "write the golden files again")

const (
	user     = "mailer@example.com"
	password = "correct-horse#battery:staple"
	pin      = "9F:86:D0:81:88:4C:7D:65:9A:2F:EA:A0:C5:5A:D0:15:A3:BF:4F:1B:2B:0B:82:2C:D1:5D:6C:15:B0:F0:0A:08"
)

// defaults are what postconf says of parameters that are not in main.cf.
var defaults = map[string]string{
	"default_transport": "smtp", "relayhost": "", "smtp_sasl_security_options": "noplaintext, noanonymous", "smtp_sasl_type": "cyrus",
	"smtp_tls_security_level": "may", "mydestination": "host.example.com, localhost", "myhostname": "host.example.com",
	"smtp_tls_fingerprint_digest": "sha256", "smtp_tls_enforce_peername": "yes",
}

// state is a Postfix of these texts, without postconf: parameters are as they
// are written.
func state(t *testing.T, main, master string, files ...handmade.File) postfix.State {
	t.Helper()
	s := postfix.State{
		Installed: true, Version: postfix.Version{Major: 3, Minor: 7}, ConfigDir: "/etc/postfix", DefaultMap: "hash", CAFile: "/etc/ssl/certs/ca-certificates.crt",
		Params: map[string]string{}, Maps: map[string][]byte{}, MapMeta: map[string]host.Meta{},
	}
	var err error
	if s.Main, err = postfix.ParseMain([]byte(main)); err != nil {
		t.Fatal(err)
	}
	if s.Master, err = postfix.ParseMaster([]byte("smtp unix - - y - - smtp\nlmtp unix - - y - - lmtp\n" + master)); err != nil {
		t.Fatal(err)
	}
	for name, value := range defaults {
		s.Params[name] = value
	}
	for name, value := range s.Main.Values() {
		s.Params[name] = value
	}
	if s.Params["smtp_fallback_relay"] == "" {
		s.Params["smtp_fallback_relay"] = s.Params["fallback_relay"]
	}
	for _, f := range files {
		s.Maps[f.Path], s.MapMeta[f.Path] = []byte(f.Data), host.Meta{Mode: f.Mode}
	}
	return s
}

// read makes the offer, and fails where a secret is in it.
func read(t *testing.T, s postfix.State, from string) (adopt.Adoption, error) {
	t.Helper()
	catalog, err := relays.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	a, err := adopt.Read(s, adopt.Options{Catalog: catalog, From: from})
	if text := text(a); strings.Contains(text, password) || strings.Contains(fmt.Sprint(err), password) {
		t.Errorf("got a password (*** here) in\n%s\nwant none", strings.ReplaceAll(text+fmt.Sprint(err), password, "***"))
	}
	return a, err
}

// text is all that a person gets to see.
func text(a adopt.Adoption) string {
	var b strings.Builder
	for _, part := range []struct {
		name   string
		points []adopt.Point
	}{{"changes", a.Changes}, {"stays", a.Kept}, {"not taken over", a.Left}, {"open", a.Questions}} {
		for _, p := range part.points {
			fmt.Fprintf(&b, "%s: %s: %s\n", part.name, p.What, p.Why)
		}
	}
	if len(a.Routes) > 0 {
		fmt.Fprintf(&b, "---\n%s", a.TOML())
	}
	return b.String()
}

// TestSetups: what is offered for each setup of testdata, as golden files.
func TestSetups(t *testing.T) {
	names, err := handmade.Names("testdata")
	if err != nil || len(names) < 10 {
		t.Fatalf("got %d setups, %v, want at least 10", len(names), err)
	}
	words := []string{"@PIN@", pin, "@CA@", "", "@USER@", user, "@PASS@", password}
	for _, id := range []string{"sendgrid", "postmark"} {
		words = append(words, "@"+id+".USER@", id+"-user", "@"+id+".PASS@", password)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			setup, err := handmade.Read("testdata", name, strings.NewReplacer(words...))
			if err != nil {
				t.Fatal(err)
			}
			s := state(t, setup.Main, setup.Master, setup.Files...)
			for _, name := range setup.Remove {
				s.Params[name] = ""
			}
			a, err := read(t, s, "")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", name+".golden"), text(a))
			if _, err := config.Read(a.TOML()); err != nil {
				t.Errorf("reading the answers: got the error %v, want none", err)
			}
		})
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestNothingToAdopt(t *testing.T) {
	for name, tc := range map[string]struct {
		main, master string
		want         error
		text         string
	}{
		"no relay":   {want: adopt.ErrNone},
		"ours":       {main: "relayhost = [a.example]:587\ndefault_transport = relayhost-ses\n", want: adopt.ErrOurs},
		"local only": {main: "default_transport = error\nrelayhost = [a.example]\n", want: adopt.ErrNone},
		"lmtp":       {main: "default_transport = lmtp:[a.example]:24\n", text: "leaves by lmtp"},
		"no service": {main: "default_transport = gone\nrelayhost = [a.example]\n", text: "does not have"},
		"itself":     {main: "relayhost = [localhost]:25\n", text: "is this server itself"},
		"loopback":   {main: "relayhost = [127.0.0.1]\n", text: "is this server itself"},
		"broken":     {main: "relayhost = [a.example\n", text: "names no relay"},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := read(t, state(t, tc.main, tc.master), "")
			if err == nil || tc.want != nil && !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("error: got %v, want %v with %q, of\n%s", err, tc.want, tc.text, text(a))
			}
		})
	}
}

// TestPoints: what is told of single mechanisms, none of it dropped silently.
func TestPoints(t *testing.T) {
	const base = "relayhost = [smtp.sendgrid.net]:587\nsmtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = hash:/p\nsmtp_tls_security_level = secure\n"
	account := handmade.File{Path: "/p", Mode: 0o600, Data: "[smtp.sendgrid.net]:587 apikey:" + password + "\n"}
	for name, tc := range map[string]struct {
		main, master string
		files        []handmade.File
		want         []string // lines, or beginnings of lines
		not          []string
	}{
		"nothing to say": {main: base, want: []string{"open: from:", "relay = \"sendgrid\"\n"}, not: []string{"changes", "stays", "not taken over", "open: account"}},
		"senders": {
			main: strings.Replace(base, "secure", "may", 1) + "smtp_sender_dependent_authentication = yes\nsender_dependent_relayhost_maps = hash:/s, lmdb:/gone\n", files: []handmade.File{
				{Path: "/s", Data: "@b.example [smtp.postmarkapp.com]:587\nroot [a.example]\n@c.example [10.0.0.5]\n@d.example dunno\n<> [smtp.postmarkapp.com]:587\n@localhost [smtp.mailgun.org]:587\nroot@web1 [smtp.mailgun.org]:587\n.e.example [x]:1\nx@b.example [smtp.sendgrid.net]:587\n"},
				{Path: "/p", Data: "[smtp.sendgrid.net]:587 apikey:" + password + "\n[smtp.postmarkapp.com]:587 t:" + password + "\n@f.example other:" + password + "\n@g.example other:" + password + "\n@web2 other:" + password + "\n"},
			},
			want: []string{
				"not taken over: sender root: it is no plain", "not taken over: sender .e.example: it is no plain", "not taken over: sender @c.example: its relay [10.0.0.5] has no login",
				"not taken over: sender @localhost: no relay accepts it as it is, so it cannot be tested; it stays in Postfix and in use",
				"not taken over: sender root@web1: no relay accepts it as it is, so it cannot be tested; it stays",
				"not taken over: sender @web2: no relay accepts it as it is, so it cannot be tested; it will log in with the account of the others",
				"not taken over: sender_dependent_relayhost_maps = lmdb:/gone: there is no such file",
				"senders = [\"b.example\", \"<>\"]\n", "senders = [\"f.example\", \"g.example\"]\n", "senders = [\"x@b.example\"]\nrelay = \"sendgrid\"\n", "name = \"f-example\"\n", "name = \"x-b-example\"\n",
				"changes: accounts that are found by sender belong to routes",
			}, not: []string{"d.example", "[\"localhost", "mailgun"},
		},
		"senders that only Postfix knows": {main: base + "smtp_sender_dependent_authentication = yes\nsender_dependent_relayhost_maps = hash:/s, regexp:/r\n", files: []handmade.File{
			{Path: "/s", Data: "@b.example [smtp.postmarkapp.com]:587\n"}, {Path: "/p", Data: account.Data + "@c.example other:" + password + "\n"},
		}, want: []string{"not taken over: sender_dependent_relayhost_maps = regexp:/r: only Postfix", "not taken over: the accounts of single senders: which relay"}, not: []string{"[[route]]"}},
		"bounces alone": {main: base + "sender_dependent_relayhost_maps = hash:/s\nsender_canonical_maps = static:app@example.com\n", files: []handmade.File{
			account, {Path: "/s", Data: "<> [smtp.relay.example]:587\n"},
		}, want: []string{"name = \"bounces\"\nsenders = [\"<>\"]\n", "stays: sender_canonical_maps = static:app@example.com", "stays: from = app@example.com"},
			not: []string{"open"}},
		"relays for some senders alone": {main: "sender_dependent_default_transport_maps = hash:/s\nsmtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = hash:/p\n",
			files: []handmade.File{account, {Path: "/s", Data: "@b.example smtp:[smtp.sendgrid.net]:587\n"}},
			want:  []string{"open: relay: mail of all other senders", "\n[[route]] # was sender_dependent_default_transport_maps: [smtp.sendgrid.net]:587\n"}, not: []string{"\nrelay = \"sendgrid\"\n\n"}},
		"catch-all": {main: base + "transport_maps = hash:/t\nsender_dependent_relayhost_maps = hash:/s\n", master: "tls unix - - n - - smtp\n  -o smtp_tls_wrappermode=yes\n",
			files: []handmade.File{account, {Path: "/t", Data: "* tls:[smtp.sendgrid.net]:465\na.example :\n"}},
			want: []string{"not taken over: the entry \"* tls:[smtp.sendgrid.net]:465\" of transport_maps", "not taken over: sender_dependent_relayhost_maps = hash:/s: the entry \"*\"", "port = 465\ntls = \"implicit\"\n",
				"open: account: no account is stored for [smtp.sendgrid.net]:465"}},
		"465 without wrappermode": {main: strings.Replace(base, "587", "465", 1), want: []string{"changes: TLS of [smtp.sendgrid.net]:465: Twilio SendGrid has TLS from the first byte", "tls = \"implicit\"\n", "open: account"}},
		"without brackets":        {main: "relayhost = mail.example.com\n", want: []string{"changes: mail.example.com becomes [mail.example.com]:25: with brackets", "open: host: mail.example.com has no brackets", "changes: TLS is required, and"}},
		"no login":                {main: strings.Replace(base, "smtp_sasl_auth_enable = yes", "", 1), want: []string{"open: account: smtp_sasl_auth_enable is not on"}},
		"tables that are closed": {main: base + "smtp_tls_policy_maps = mysql:/m\ntransport_maps = pcre:/t\n", files: []handmade.File{},
			want: []string{"open: account: hash:/p: there is no such file", "not taken over: smtp_tls_policy_maps = mysql:/m", "stays: transport_maps = pcre:/t: only Postfix"}},
		"static with a blank": {main: "relayhost = [smtp.sendgrid.net]:587\nsmtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = static:apikey:x " + password + "\n", want: []string{"open: account: smtp_sasl_password_maps names a table that is no file", "changes: the relay's service has the password"}},
		"enforce":             {main: strings.Replace(base, "smtp_tls_security_level = secure", "smtp_tls_security_level =\nsmtp_enforce_tls = yes\nsmtp_tls_enforce_peername = no", 1), want: []string{"changes: smtp_enforce_tls = yes no longer applies", "changes: smtp_tls_enforce_peername = no no longer applies", "changes: the certificate of smtp.sendgrid.net is verified now: smtp_enforce_tls"}},
		"per site":            {main: strings.Replace(base, "smtp_tls_security_level = secure", "smtp_tls_security_level =\nsmtp_tls_per_site = hash:/s", 1), files: []handmade.File{account, {Path: "/s", Data: "smtp.sendgrid.net MUST_NOPEERMATCH\npartner.example MUST\n"}}, want: []string{"changes: the certificate of smtp.sendgrid.net is verified now: MUST_NOPEERMATCH in hash:/s"}},
		"dane":                {main: strings.Replace(base, "secure", "dane", 1), want: []string{"changes: the certificate of smtp.sendgrid.net is verified by the CA file: smtp_tls_security_level = dane"}},
		"policy attributes":   {main: base + "smtp_tls_policy_maps = hash:/t\n", files: []handmade.File{account, {Path: "/t", Data: "[smtp.sendgrid.net]:587 secure match=.sendgrid.net ciphers=high protocols=TLSv1.3\n"}}, want: []string{"not taken over: match=.sendgrid.net in the policy", "not taken over: ciphers=high in", "changes: TLS 1.2 at least for"}},
		"an old fingerprint":  {main: strings.Replace(base, "secure", "fingerprint\nsmtp_tls_fingerprint_digest = md5\nsmtp_tls_fingerprint_cert_match = aa:bb", 1), want: []string{"not taken over: the fingerprint of smtp.sendgrid.net: it is of md5", "open: fingerprint:"}, not: []string{"fingerprint ="}},
		"two fingerprints":    {main: strings.Replace(base, "secure", "fingerprint\nsmtp_tls_fingerprint_cert_match = "+pin+", "+pin, 1), want: []string{"not taken over: the fingerprints of smtp.sendgrid.net: there are 2"}},
		"a CA of one's own":   {main: base + "smtp_tls_CAfile = /etc/ssl/own.pem\n", want: []string{"ca_file = \"/etc/ssl/own.pem\"\n", "stays: smtp_tls_CAfile = /etc/ssl/own.pem: the certificate"}},
		"CApath":              {main: base + "smtp_tls_CApath = /etc/ssl/certs\n", want: []string{"changes: smtp_tls_CApath = /etc/ssl/certs does not count"}},
		"policy not taken": {main: base + "smtp_tls_policy_maps = hash:/t\n", files: []handmade.File{account, {Path: "/t", Data: "[smtp.sendgrid.net]:587 secure servername=a.test servername=b.test\n"}},
			want: []string{"changes: the entry for [smtp.sendgrid.net]:587 in hash:/t does not count: Postfix defers the mail for it: servername is given more than once"}},
		"tafile":                        {main: "relayhost = [smtp.relay.example]:587\nsmtp_tls_policy_maps = hash:/t\n", files: []handmade.File{{Path: "/t", Data: "[smtp.relay.example]:587 secure tafile=/etc/ta.pem\n"}}, want: []string{"ca_file = \"/etc/ta.pem\"\n"}},
		"port 465 without wrapper mode": {main: "relayhost = [smtp.relay.example]:465\n", want: []string{"changes: TLS of [smtp.relay.example]:465: port 465 has TLS from the first byte", "tls = \"implicit\"\n"}},
		"fallback to port 465":          {main: "relayhost = [smtp.relay.example]:587\nsmtp_fallback_relay = [smtp.relay.example]:25, [smtp.relay.example]:465\n", want: []string{"not taken over: the fallback [smtp.relay.example]:465: its TLS starts in another way", "port = 25\n"}, not: []string{"port = 465"}},
		"senders of the same relay": {main: base + "sender_dependent_relayhost_maps = hash:/s\n", files: []handmade.File{account, {Path: "/s", Data: "@a.example [smtp.sendgrid.net]:587\n@b.example dunno\n"}},
			want: []string{"not taken over: sender @a.example: its entry in a table of senders names the relay of all other mail, and that mail goes on by the service smtp: remove it"}, not: []string{"b.example"}},
		"fallbacks":           {main: base + "smtp_fallback_relay = [smtp.sendgrid.net]:587 [smtp.mailgun.org]:465, [x\n", want: []string{"changes: [smtp.sendgrid.net]:587 is listed once", "not taken over: the fallback [smtp.mailgun.org]:465: its TLS starts in another way", "not taken over: the next hop [x"}, not: []string{"[[fallback]]"}},
		"overrides":           {main: base, master: "smtp unix - - y - 7 smtp\n  -o smtp_bind_address=192.0.2.1 -o smtp_generic_maps=hash:/g -o syslog_name=x\nrewrite unix - - y - - trivial-rewrite\n  -o transport_maps=\n", want: []string{"not taken over: master.cf: smtp has -o smtp_bind_address=192.0.2.1:", "not taken over: master.cf: smtp has -o smtp_generic_maps=hash:/g", "not taken over: master.cf: smtp has 7 processes", "not taken over: master.cf: rewrite has -o transport_maps="}, not: []string{"syslog_name"}},
		"OAuth":               {main: base + "smtp_sasl_mechanism_filter = xoauth2\nsmtp_sasl_type = dovecot\n", want: []string{"not taken over: smtp_sasl_mechanism_filter = xoauth2", "not taken over: smtp_sasl_type = dovecot"}},
		"no OAuth":            {main: base + "smtp_sasl_mechanism_filter = !xoauth2, plain\n", not: []string{"OAuth"}},
		"limits":              {main: base + "default_destination_concurrency_limit = 3\nsmtp_destination_recipient_limit = 1\n", want: []string{"connections = 3\n", "not taken over: smtp_destination_recipient_limit = 1"}},
		"a port nobody names": {main: strings.Replace(base, "587", "26", 1), want: []string{"relay = \"smarthost\"\nhost = \"smtp.sendgrid.net\"\nport = 26\n"}},
		"local from":          {main: base + "sender_canonical_maps = static:root@host.example.com\n", want: []string{"from = \"root@host.example.com\"\n", "open: to: mail to root@host.example.com is delivered on this server"}},
		"which from":          {main: base + "smtp_generic_maps = inline:{ { a@x = b@example.com } { c@x = d@example.com } }\n", want: []string{"open: from: which address is mail of this server sent from? (senders are rewritten to b@example.com, d@example.com) Give --from", "stays: smtp_generic_maps = inline:..."}},
		"a password for all":  {main: base, files: []handmade.File{{Path: "/p", Mode: 0o644, Data: account.Data}}, want: []string{"not taken over: /p and what is compiled from it: others can read the password (0644)"}},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.files == nil {
				tc.files = []handmade.File{account}
			}
			master := tc.master
			a, err := read(t, state(t, tc.main, master, tc.files...), "")
			if err != nil {
				t.Fatal(err)
			}
			got := text(a)
			for _, want := range tc.want {
				if !strings.Contains("\n"+got, "\n"+want) && !strings.Contains(want, "\n") || !strings.Contains(got, want) {
					t.Errorf("%q is missing", want)
				}
			}
			for _, not := range tc.not {
				if strings.Contains(got, not) {
					t.Errorf("got\n%s\nwant it without %q", got, not)
				}
			}
			if _, err := config.Read(a.TOML()); err != nil && len(a.Routes) > 0 && a.Routes[0].Name == config.DefaultRoute {
				t.Errorf("reading the answers: got the error %v, want none", err)
			}
			if t.Failed() {
				t.Log(got)
			}
		})
	}
}

// TestRouteNamesAreFree: a route gets no name that setup keeps for services of its
// own.
func TestRouteNamesAreFree(t *testing.T) {
	for sender, want := range map[string]string{
		"@mail.tls": "mail-mail", "@mail.smtps": "mail-mail", "by-sender-7@a.example": "7-a-example",
		"@" + strings.Repeat("x", 30) + "-smtps.example": strings.Repeat("x", 30) + "-mail",
	} {
		t.Run(sender, func(t *testing.T) {
			s := state(t, "relayhost = [a.example.net]:587\nsmtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = hash:/p\nsender_dependent_relayhost_maps = hash:/s\n", "",
				handmade.File{Path: "/s", Data: sender + " [b.example.net]:587\n"}, handmade.File{Path: "/p", Data: "[a.example.net]:587 u:" + password + "\n[b.example.net]:587 v:" + password + "\n"})
			a, err := read(t, s, "app@example.com")
			if err != nil || len(a.Routes) != 2 || a.Routes[1].Name != want {
				t.Errorf("got the routes %+v and the error %v, want 2, the second %q, and no error", a.Routes, err, want)
			}
			if _, err := config.Read(a.TOML()); err != nil {
				t.Errorf("reading the answers: got the error %v, want none", err)
			}
		})
	}
}

// TestManySenders: the cost grows with the number of senders, not with its
// square. Eight times as many are compared, which would be 64 times the time.
func TestManySenders(t *testing.T) {
	ratio := growth.Ratio(t, 1000, 8000, func(n int) {
		a, err := read(t, manySenders(t, n), "app@example.com")
		if err != nil || len(a.Routes) != n+1 {
			t.Fatalf("got %d routes, %v, want %d", len(a.Routes), err, n+1)
		}
		if len(a.Changes) > 10 {
			t.Errorf("changes: got %d, want at most 10", len(a.Changes))
		}
	})
	if ratio > 24 {
		t.Errorf("8000 senders take %.0f times as long as 1000, want at most 24 times", ratio)
	}
}

// manySenders is a server with n senders that have relays and accounts of their own.
func manySenders(t *testing.T, n int) postfix.State {
	t.Helper()
	var maps, accounts strings.Builder
	for i := range n {
		fmt.Fprintf(&maps, "@d%d.example [smtp.sendgrid.net]:587\n", i)
		fmt.Fprintf(&accounts, "@d%d.example user%d:%s\n", i, i, password)
	}
	return state(t, "relayhost = [smtp.sendgrid.net]:587\nsmtp_sender_dependent_authentication = yes\nsmtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = hash:/p\nsender_dependent_relayhost_maps = hash:/s\n",
		"", handmade.File{Path: "/s", Data: maps.String()}, handmade.File{Path: "/p", Data: accounts.String() + "[smtp.sendgrid.net]:587 u:" + password + "\n"})
}

// FuzzRead: whatever stands in main.cf and its tables, no password is told, and
// the file is one that setup reads, or it is said why not.
func FuzzRead(f *testing.F) {
	f.Add("relayhost = [my_relay]:587\nsender_dependent_relayhost_maps = hash:/t\n", "@a_b.example [x]:1\n\"a b\"@c.example y\n")
	f.Add("relayhost = smtp.gmail.com:smtp, [::1]:25\nsmtp_fallback_relay = [ipv6:::2]\n", "smtp.gmail.com u:"+password+"\n")
	f.Add("smtp_sasl_password_maps = inline:{ { a = b:"+password+" } }\nrelayhost = [a]\nsmtp_sasl_auth_enable=yes\n", "")
	f.Add("smtp_sasl_password_maps = static:{u:"+password+" x}, y\nrelayhost = [a]\nsmtp_sasl_auth_enable=yes\ntransport_maps = hash:/t\n", "* :[b]:587\n")
	f.Add("relayhost = [a.example]:587\nsmtp_tls_policy_maps = hash:/t\n", "[a.example]:587 fingerprint match=AA|BB tafile=\"x\n")
	catalog, err := relays.Catalog()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, main, table string) {
		m, err := postfix.ParseMain([]byte(main))
		if err != nil {
			return
		}
		master, err := postfix.ParseMaster([]byte("smtp unix - - y - - smtp\n"))
		if err != nil {
			t.Fatal(err)
		}
		s := postfix.State{Version: postfix.Version{Major: 3, Minor: 7}, DefaultMap: "hash", Main: m, Master: master, Params: map[string]string{"default_transport": "smtp"},
			Maps: map[string][]byte{"/t": []byte(table)}}
		for name, value := range m.Values() {
			s.Params[name] = value
		}
		a, err := adopt.Read(s, adopt.Options{Catalog: catalog, From: "app@example.com"})
		if err != nil {
			return
		}
		got := text(a)
		if sasl := s.Params["smtp_sasl_password_maps"]; strings.HasPrefix(sasl, "static:u:"+password) && strings.Contains(got, password) {
			t.Errorf("got a password (*** here) in\n%s\nwant none", strings.ReplaceAll(got, password, "***"))
		}
		_, err = config.Read(a.TOML())
		if err != nil && !strings.Contains(got, "setup rejects it") && !strings.Contains(got, "open: relay:") {
			t.Errorf("reading the answers: got the error %v, want none, or %q or %q in\n%s", err, "setup rejects it", "open: relay:", strings.ReplaceAll(got, password, "***"))
		}
		if err == nil && strings.Contains(got, "setup rejects it") {
			t.Errorf("setup does take it: got\n%s\nwant no %q in it", strings.ReplaceAll(got, password, "***"), "setup rejects it")
		}
	})
}
