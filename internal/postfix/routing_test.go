package postfix

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// handMade is a State of a main.cf, a master.cf and tables, without postconf:
// parameters are taken as they are written.
func handMade(t *testing.T, main, master string, maps map[string]string) State {
	t.Helper()
	s := State{Version: Version{3, 7, 11}, DefaultMap: "hash", Maps: map[string][]byte{}, Params: map[string]string{"default_transport": "smtp"}}
	var err error
	if s.Main, err = ParseMain([]byte(main)); err == nil {
		s.Master, err = ParseMaster([]byte("smtp unix - - y - - smtp\n" + master))
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range s.Main.Values() {
		s.Params[name] = value
	}
	for path, text := range maps {
		s.Maps[path] = []byte(text)
	}
	return s
}

func TestParseNextHop(t *testing.T) {
	for text, want := range map[string]NextHop{
		"[Smtp.Example.com]:587":        {Host: "smtp.example.com", Port: 587},
		"[smtp.example.com]":            {Host: "smtp.example.com", Port: 25},
		"[smtp.example.com]:submission": {Host: "smtp.example.com", Port: 587},
		"smtp.example.com:smtps":        {Host: "smtp.example.com", Port: 465, MX: true},
		"smtp.example.com":              {Host: "smtp.example.com", Port: 25, MX: true},
		"[192.0.2.1]:2525":              {Host: "192.0.2.1", Port: 2525},
		"[ipv6:2001:db8::1]:25":         {Host: "2001:db8::1", Port: 25},
		"[IPv6:2001:db8::1]:587":        {Host: "2001:db8::1", Port: 587},
		"[2001:db8::1]":                 {Host: "2001:db8::1", Port: 25},
		"[smtp.example.com]:":           {Host: "smtp.example.com", Port: 25},
		"smtp_out.example.com:":         {Host: "smtp_out.example.com", Port: 25, MX: true},
	} {
		t.Run(text, func(t *testing.T) {
			want.Text = text
			if got, err := ParseNextHop(text); err != nil || got != want {
				t.Errorf("got %+v, %v, want %v", got, err, want)
			}
		})
	}
	for _, text := range []string{"", "[smtp.example.com", "[a]:nosuch", "a:b:c", "[a]:0", "#", "#a", "[a]:587#b", "[a]:+587", "[a]:587x", "a.example.", "[a..example]", "-a", "587", "[1.2.3]", "[ipv6:a.example]", ":25", "[]:25", "[fe80::1%eth0]"} {
		t.Run(fmt.Sprintf("%q", text), func(t *testing.T) {
			if got, err := ParseNextHop(text); err == nil {
				t.Errorf("ParseNextHop(%q): got %+v, want an error", text, got)
			}
		})
	}
}

// way is a Route and its account in one line.
func way(r *Routing, sender string) string {
	w := r.Route(sender)
	words := []string{w.Transport, w.By}
	for _, hop := range w.NextHops {
		login, _ := r.Login(w, sender, hop)
		words = append(words, hop.Text+"="+login.Username)
	}
	return strings.Join(append(words, w.Broken...), " ")
}

func TestRouting(t *testing.T) {
	const auth = "smtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = hash:/p\n"
	for _, tc := range []struct {
		name, main, master string
		maps               map[string]string
		want               map[string]string // sender -> way
	}{
		{name: "none", want: map[string]string{"": "smtp "}},
		{name: "relayhost", main: "relayhost = [a.example]:587\n" + auth, maps: map[string]string{"/p": "[a.example]:587 u:p\n"},
			want: map[string]string{"": "smtp relayhost [a.example]:587=u", "<>": "smtp relayhost [a.example]:587=u"}},
		{name: "no login", main: "relayhost = [a.example]:587\nsmtp_sasl_password_maps = hash:/p\n", maps: map[string]string{"/p": "[a.example]:587 u:p\n"},
			want: map[string]string{"": "smtp relayhost [a.example]:587="}},
		{name: "the bare host wins", main: "relayhost = a.example:587\n" + auth, maps: map[string]string{"/p": "a.example:587 u:p\nA.example v:p\n"},
			want: map[string]string{"": "smtp relayhost a.example:587=v"}},
		{name: "the key has to be as it is written", main: "relayhost = a.example:587\n" + auth, maps: map[string]string{"/p": "[a.example]:587 u:p\n"},
			want: map[string]string{"": "smtp relayhost a.example:587="}},
		{name: "static is found by the first key", main: "relayhost = [a.example]:587\nsmtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = hash:/p, static:s:p\n",
			maps: map[string]string{"/p": "[a.example]:587 u:p\n"}, want: map[string]string{"": "smtp relayhost [a.example]:587=s"}},
		{name: "inline", main: "relayhost = [a.example]:587\nsmtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = inline:{ { [a.example]:587 = u:p w=x } b=c }\n",
			want: map[string]string{"": "smtp relayhost [a.example]:587=u"}},
		{name: "a list and a fallback", main: "relayhost = [a.example]:587, [a.example]:2525\nsmtp_fallback_relay = b.example [c\n" + auth,
			maps: map[string]string{"/p": "a.example u:p\nb.example v:p\n"},
			want: map[string]string{"": "smtp relayhost [a.example]:587=u [a.example]:2525=u b.example=v [c"}},
		{name: "a comment", main: "relayhost = [a.example]:587 # the relay\nsmtp_fallback_relay = [b.example]\n", want: map[string]string{"": "smtp relayhost [a.example]:587= # the relay [b.example]"}},
		{name: "a service of its own", main: "default_transport = smtps:[a.example]:465\nrelayhost = [b.example]\nsmtp_fallback_relay = [c.example]\n",
			master: "smtps unix - - y - - smtp\n -o smtp_sasl_auth_enable=yes -o smtp_sasl_password_maps=hash:/q -o smtp_fallback_relay=\n",
			maps:   map[string]string{"/q": "a.example u:p\n"}, want: map[string]string{"": "smtps default_transport [a.example]:465=u"}},
		{name: "trivial-rewrite has a relayhost of its own", main: "relayhost = [a.example]\n", master: "rewrite unix - - y - - trivial-rewrite\n -o relayhost=[b.example]\n",
			want: map[string]string{"": "smtp relayhost [b.example]="}},
		{name: "by sender", main: "relayhost = [a.example]:587\nsmtp_sender_dependent_authentication = yes\nsender_dependent_relayhost_maps = hash:/s\n" + auth,
			maps: map[string]string{"/s": "@b.example [b.example]:587\nx@b.example dunno\n<> [n.example]\n", "/p": "[a.example]:587 u:p\n[b.example]:587 v:p\n@b.example w:p\ny@a.example z:p\n"},
			want: map[string]string{
				"": "smtp relayhost [a.example]:587=u", "@b.example": "smtp sender_dependent_relayhost_maps [b.example]:587=w",
				"x@b.example": "smtp relayhost [a.example]:587=w", "<>": "smtp sender_dependent_relayhost_maps [n.example]=",
				"y@a.example": "smtp relayhost [a.example]:587=z", "other@b.example": "smtp sender_dependent_relayhost_maps [b.example]:587=w",
			}},
		{name: "a transport by sender", main: "relayhost = [a.example]:587\nsender_dependent_default_transport_maps = hash:/t\nsender_dependent_relayhost_maps = hash:/s\n",
			master: "other unix - - y - - smtp\n",
			maps:   map[string]string{"/t": "@b.example other:[t.example]:465\n@c.example other:\n", "/s": "@b.example [s.example]\n@c.example [s.example]\n"},
			want: map[string]string{
				"@b.example": "other sender_dependent_default_transport_maps [t.example]:465=", "@c.example": "other sender_dependent_relayhost_maps [s.example]=",
			}},
		{name: "catch-all", main: "relayhost = [a.example]:587\ntransport_maps = hash:/t\nsender_dependent_relayhost_maps = hash:/s\n", master: "smtps unix - - y - - smtp\n",
			maps: map[string]string{"/t": "b.example smtp:[c.example]\n* smtps:[d.example]:465\n", "/s": "@b.example [s.example]\n"},
			want: map[string]string{"": "smtps transport_maps [d.example]:465=", "@b.example": "smtps transport_maps [d.example]:465="}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := NewRouting(handMade(t, tc.main, tc.master, tc.maps))
			got := map[string]string{}
			for sender := range tc.want {
				got[sender] = strings.TrimRight(way(r, sender), " ")
			}
			for sender, want := range tc.want {
				tc.want[sender] = strings.TrimRight(want, " ")
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("got the difference (-want +got)\n%s\nwant none", diff)
			}
		})
	}
}

func TestRoutingSenders(t *testing.T) {
	s := handMade(t, `smtp_sender_dependent_authentication = yes
sender_dependent_relayhost_maps = hash:/s, regexp:/r, lmdb:/none
smtp_sasl_password_maps = hash:/p
`, "", map[string]string{"/s": "@B.example [b]\n# x\n<> [n]\n@b.example [late]\n", "/p": "[a]:587 u:p\n@b.example w:p\nz@c.example w:p\n"})
	s.Unreadable = []string{"/secret"}
	r := NewRouting(s)
	if diff := cmp.Diff([]string{"@b.example", "<>", "z@c.example"}, r.Senders()); diff != "" {
		t.Errorf("got the difference (-want +got)\n%s\nwant none", diff)
	}
	tables, why := r.Closed(s.Params["sender_dependent_relayhost_maps"] + " hash:/secret static:a")
	if diff := cmp.Diff([]Table{{"regexp", "/r"}, {"lmdb", "/none"}, {"hash", "/secret"}}, tables); diff != "" || len(why) != 3 {
		t.Errorf("closed tables: got the difference (-want +got)\n%s\nand the reasons %q, want no difference and 3 reasons", diff, why)
	}
}

// Before 3.5 relayhost was no list, and smtp_fallback_relay was one.
func TestRoutingBeforeLists(t *testing.T) {
	s := handMade(t, "relayhost = [a.example]:587 # the relay\nsmtp_fallback_relay = [b.example], [c.example]\n", "", nil)
	for version, want := range map[Version]string{{3, 4, 7}: "smtp relayhost [a.example]:587 # the relay [b.example] [c.example]", {3, 5, 0}: "smtp relayhost [a.example]:587= # the relay [b.example] [c.example]"} {
		t.Run(version.String(), func(t *testing.T) {
			s.Version = version
			if got := way(NewRouting(s), ""); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}
