package templates

import (
	"bytes"
	"strings"
	"testing"
	"text/template"
)

// Every template prints with all of Data, and with none of it, what text/template
// prints.
func TestRenderAsTextTemplate(t *testing.T) {
	t.Parallel()
	two := []Setting{{"a", "1"}, {"b", "2"}}
	full := Data{RelayName: "Amazon SES", Service: "relayhost-ses", NextHop: "[h]:587", Login: true, TransportMaps: "t", SenderTransportMaps: "s",
		SenderCanonicalMaps: "c", DelayWarning: "4h", RecipientLimit: 1, Concurrency: 2, InitialConcurrency: 3, RateDelay: "2s", Level: "secure",
		PolicyMap: "p", CertMatch: "m", Pin: "pin", ServerName: "sni", Protocols: ">=TLSv1.2", CAFile: "ca", WrapperMode: true, TLSRequired: true,
		PasswordMap: "hash:x", Unverified: true, Mechanisms: "plain", SenderAuth: "yes", HeloName: "h", GenericMap: "g", StatusFilterMap: "f",
		ReplyFilterMap: "r", Fallback: "[i]:587", Timeouts: two, AddressPreference: "ipv4", CacheDestinations: "h", TLSProxy: "x", ReuseCount: 9,
		Processes: "-", Protocol: "ipv4", Reset: two, ProxyReset: two, Bridge: "b", BridgeService: "bs", BridgeSocket: "bo", Unit: "un", MailOwner: "mo", QueueDirectory: "/q", BridgeUser: "u", Program: "/p",
		BridgeProcesses: 20, TLSManager: true, PostLogd: true, Policies: []Policy{{"n", "secure", "m", "s"}, {NextHop: "o", Level: "encrypt"}},
		Accounts: []Account{{"k", "u", "p"}}, Senders: two, Filters: []Filter{{"c", "p", "r"}}, Transports: two}
	entries, err := files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		for name, d := range map[string]*Data{"full": &full, "empty": {}} {
			t.Run(e.Name()+" "+name, func(t *testing.T) {
				t.Parallel()
				var want bytes.Buffer
				if err := template.Must(template.ParseFS(files, e.Name())).Execute(&want, d); err != nil {
					t.Fatal(err)
				}
				got, err := Render(Name(e.Name()), d)
				if err != nil || string(got) != want.String() {
					t.Errorf("got %s, %v\nwant %s", got, err, want.String())
				}
			})
		}
	}
}

func TestRenderUnknown(t *testing.T) {
	t.Parallel()
	if _, err := Render("nothing", &Data{}); err == nil || !strings.Contains(err.Error(), "no such template") {
		t.Errorf("got %v, want no such template", err)
	}
}
