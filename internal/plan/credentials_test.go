package plan_test

import (
	"slices"
	"testing"

	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

// TestCredentials: what Postfix logs in with is found however the setup was made.
func TestCredentials(t *testing.T) {
	const auth = "smtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = hash:/p\n"
	for _, tc := range []struct {
		name, main, master, table string
		hop                       string
		senders                   []string
		want                      string // user name; "" for none
	}{
		{"next hop", auth, "", "[a.example]:587 u:p", "[a.example]:587", nil, "u"},
		{"another port", auth, "", "[a.example]:587 u:p", "[a.example]:2525", nil, ""},
		{"bare host", auth, "", "[a.example]:587 u:p\nA.example v:p", "[a.example]:587", nil, "v"},
		{"without brackets", "relayhost = a.example:587\n" + auth, "", "a.example:587 u:p", "[a.example]:587", nil, "u"},
		{"the one in use wins", "relayhost = a.example:587\n" + auth, "", "[a.example]:587 u:p\na.example:587 v:p", "[a.example]:587", nil, "v"},
		{"name of the port", "relayhost = [a.example]:submission\n" + auth, "", "[a.example]:submission u:p", "[a.example]:587", nil, "u"},
		{"no port", "relayhost = [a.example]\n" + auth, "", "[a.example] u:p", "[a.example]:25", nil, "u"},
		{"static", "relayhost = [a.example]:587\nsmtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = static:u:p\n", "", "", "[a.example]:587", nil, "u"},
		{"static for another host", "relayhost = [a.example]:587\nsmtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = static:u:p\n", "", "", "[b.example]:587", nil, ""},
		{"fallback", "relayhost = [a.example]:587\nsmtp_fallback_relay = b.example:587\n" + auth, "", "b.example:587 u:p", "[b.example]:587", nil, "u"},
		{"a service of its own", "default_transport = smtps:[a.example]:465\n", "smtps unix - - n - - smtp\n  -o smtp_sasl_auth_enable=yes -o smtp_sasl_password_maps=hash:/p\n",
			"a.example u:p", "[a.example]:465", nil, "u"},
		{"sender's domain", "relayhost = [a.example]:587\nsmtp_sender_dependent_authentication = yes\n" + auth, "", "[a.example]:587 u:p\n@b.example v:p",
			"[a.example]:587", []string{"b.example"}, "v"},
		{"sender", "relayhost = [a.example]:587\nsmtp_sender_dependent_authentication = yes\n" + auth, "", "[a.example]:587 u:p\n@b.example v:p\nx@b.example w:p",
			"[a.example]:587", []string{"x@b.example"}, "w"},
		{"no sender's", "relayhost = [a.example]:587\nsmtp_sender_dependent_authentication = yes\n" + auth, "", "[a.example]:587 u:p\n@b.example v:p",
			"[a.example]:587", []string{"<>"}, "u"},
		{"no colon", auth, "", "[a.example]:587 u", "[a.example]:587", nil, ""},
		{"no host", auth, "", "[a.example]:587 u:p", "587", nil, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := postfix.State{DefaultMap: "hash", Params: map[string]string{"default_transport": "smtp"}, Maps: map[string][]byte{"/p": []byte(tc.table + "\n")}}
			var err error
			if s.Master, err = postfix.ParseMaster([]byte("smtp unix - - n - - smtp\n" + tc.master)); err != nil {
				t.Fatal(err)
			}
			main, err := postfix.ParseMain([]byte(tc.main))
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range main.Values() {
				s.Params[name] = value
			}
			user, password, ok := plan.Credentials(s, tc.hop, tc.senders...)
			if user != tc.want || ok != (tc.want != "") || ok && password.Reveal() != "p" {
				t.Errorf("%q, %v, want %q", user, ok, tc.want)
			}
		})
	}
}

// TestLostAccount: a route whose own account is gone gets no other's at its host.
func TestLostAccount(t *testing.T) {
	const own = "relayhost-shop unix - - n - - smtp\n  -o smtp_sasl_password_maps=hash:/etc/postfix/relayhost_passwd_shop\n"
	for _, tc := range []struct {
		name, master, table, hop string
		want                     string // user name; "" for none
	}{
		{"own table", own, "[a.example]:587 v:p\n", "[a.example]:587", "v"},
		{"own table is gone", own, "", "[a.example]:587", ""},
		{"entry of master.cf is gone", "", "", "[a.example]:587", ""},
		{"its table is still there", "", "[a.example]:587 v:p\n", "[a.example]:587", "v"},
		{"with the account of a fallback", "", "[a.example]:587 v:p\n[c.example]:2525 x:p\n", "[c.example]:2525", "x"},
		{"without a table of its own", "relayhost-shop unix - - n - - smtp\n", "", "[a.example]:587", "u"},
		{"another host from now on", own, "", "[b.example]:587", "w"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := postfix.State{
				DefaultMap: "hash",
				Params: map[string]string{
					"default_transport": "relayhost-a", "relayhost": "[a.example]:587", "smtp_sasl_auth_enable": "yes",
					"smtp_sasl_password_maps": "hash:/p", "sender_dependent_default_transport_maps": "hash:/s",
				},
				Maps: map[string][]byte{
					"/p": []byte("[a.example]:587 u:p\n[b.example]:587 w:p\n"), "/s": []byte("@shop.example relayhost-shop:[a.example]:587\n"),
				},
			}
			if tc.table != "" {
				s.Maps["/etc/postfix/relayhost_passwd_shop"] = []byte(tc.table)
			}
			var err error
			if s.Master, err = postfix.ParseMaster([]byte("relayhost-a unix - - n - - smtp\n" + tc.master)); err != nil {
				t.Fatal(err)
			}
			if user, _, ok := plan.Credentials(s, tc.hop, "shop.example"); user != tc.want || ok != (tc.want != "") {
				t.Errorf("%q, %v, want %q", user, ok, tc.want)
			}
			if user, _, _ := plan.Credentials(s, "[a.example]:587"); user != "u" {
				t.Errorf("the default got %q, want %q", user, "u")
			}
		})
	}
}

// TestLostServiceBySender: accounts by sender outlast the entry of their service.
func TestLostServiceBySender(t *testing.T) {
	s := postfix.State{
		DefaultMap: "hash",
		Params: map[string]string{
			"default_transport": "relayhost-a", "relayhost": "[a.example]:587", "smtp_sasl_auth_enable": "yes",
			"smtp_sasl_password_maps": "hash:/p", "sender_dependent_default_transport_maps": "hash:/etc/postfix/relayhost_by_sender",
		},
		Maps: map[string][]byte{
			"/p": []byte("[a.example]:587 u:p\n"),
			"/etc/postfix/relayhost_by_sender": []byte("@shop.example relayhost-by-sender-b-587:[b.example]:587\n" +
				"@blog.example relayhost-a:[a.example]:587\n"),
		},
	}
	var err error
	if s.Master, err = postfix.ParseMaster([]byte("relayhost-a unix - - n - - smtp\n")); err != nil {
		t.Fatal(err)
	}
	const own = "/etc/postfix/relayhost_passwd_by-sender-b-587"
	if paths := plan.Paths(s); !slices.Contains(paths, own) || slices.Contains(paths, "/etc/postfix/relayhost_passwd_a") {
		t.Errorf("read would be %q, want %v in it and no %q in it", paths, own, "/etc/postfix/relayhost_passwd_a")
	}
	s.Maps[own] = []byte("@shop.example v:p\n")
	for hop, want := range map[string]string{"[b.example]:587": "v", "[c.example]:587": ""} {
		t.Run(hop, func(t *testing.T) {
			if user, _, _ := plan.Credentials(s, hop, "shop.example"); user != want {
				t.Errorf("got %q, want %q", user, want)
			}
		})
	}
}
