package postfix

import "testing"

func TestOpenings(t *testing.T) {
	const smtpd = "smtp inet n - y - - smtpd\n"
	for _, tc := range []struct {
		name, master, parameter, value string
		want                           string // parameter of the only opening, "" for none
	}{
		{"default", smtpd, "", "", ""},
		{"everybody", smtpd, "mynetworks", "127.0.0.0/8 0.0.0.0/0", "mynetworks"},
		{"everybody, in a comment", smtpd, "mynetworks", "127.0.0.0/8 # 0.0.0.0/0", ""},
		{"everybody of IPv6", smtpd, "mynetworks", "[::]/0", "mynetworks"},
		{"everybody of IPv4, mapped", smtpd, "mynetworks", "[::ffff:0:0]/96", "mynetworks"},
		{"loopback, mapped", smtpd, "mynetworks", "[::ffff:127.0.0.0]/104 [::1]/128 [fe80::]/64 [fd00::]/8", ""},
		{"everybody, and trusted with nothing", smtpd[:len(smtpd)-1] + " -o mynetworks=0.0.0.0/0\n", "smtpd_relay_restrictions", "permit_sasl_authenticated, reject_unauth_destination", ""},
		{"private", smtpd, "mynetworks", "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10", ""},
		{"private and more", smtpd, "mynetworks", "10.0.0.0/7", "mynetworks"},
		{"a provider's", smtpd, "mynetworks", "198.51.0.0/15", "mynetworks"},
		{"an owner's", smtpd, "mynetworks", "198.51.0.0/16 [2001:db8::]/32", ""},
		{"a table", smtpd, "mynetworks", "cidr:/etc/postfix/networks !192.0.2.1", ""},
		{"permit", smtpd, "smtpd_relay_restrictions", "permit", "smtpd_relay_restrictions"},
		{"permit behind others", smtpd, "smtpd_relay_restrictions", "permit_mynetworks, reject_unknown_client_hostname, permit, reject", "smtpd_relay_restrictions"},
		{"permit for who is left", smtpd, "smtpd_relay_restrictions", "reject_unauth_destination permit", ""},
		{"refusal for the log only", smtpd, "smtpd_relay_restrictions", "warn_if_reject reject_unauth_destination permit", "smtpd_relay_restrictions"},
		{"no smtpd", "smtp unix - - y - - smtp\n", "smtpd_relay_restrictions", "permit", ""},
		{"loopback only", smtpd, "inet_interfaces", "loopback-only", ""},
		{"an address of its own", "203.0.113.9:25 inet n - y - - smtpd -o smtpd_relay_restrictions=permit\n", "inet_interfaces", "loopback-only", "smtpd_relay_restrictions"},
		{"a loopback address", "[::1]:25 inet n - y - - smtpd -o smtpd_relay_restrictions=permit\n", "", "", ""},
		{"postscreen", "smtp inet n - y - 1 postscreen\nsmtpd pass - - y - - smtpd -o mynetworks=0.0.0.0/0\n", "", "", "mynetworks"},
		{"unknown", smtpd[:len(smtpd)-1] + " -o smtpd_relay_restrictions=${a?{permit}}\n", "", "", ""},
		{"the other list", smtpd[:len(smtpd)-1] + " -o smtpd_relay_restrictions=permit -o smtpd_recipient_restrictions=reject\n", "", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			master, err := ParseMaster([]byte(tc.master))
			if err != nil {
				t.Fatal(err)
			}
			s := State{Master: master, Params: map[string]string{"inet_interfaces": "all", "mynetworks": "127.0.0.0/8",
				"smtpd_relay_restrictions": "permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination", "smtpd_recipient_restrictions": ""}}
			if tc.parameter != "" {
				s.Params[tc.parameter] = tc.value
			}
			got := s.Openings()
			if tc.want == "" && len(got) > 0 || tc.want != "" && (len(got) != 1 || got[0].Parameter != tc.want) {
				t.Errorf("got %+v, want %q", got, tc.want)
			}
		})
	}
}
