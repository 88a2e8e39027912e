package relays

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestServicesOf2026 holds the services that people asked for in 2026 against what was
// read of each then: host, and ports with how TLS starts (s: STARTTLS, i: implicit).
// Those that are not here are in docs/adding-a-relay.md, with the reason.
func TestServicesOf2026(t *testing.T) {
	for _, tt := range []struct{ id, host, ports, user string }{
		{"m365-hve", "smtp.hve.mx.microsoft", "587s", ""},
		{"cloudflare", "smtp.mx.cloudflare.net", "465i", "api_token"},
		{"fastmail", "smtp.fastmail.com", "465i 587s", ""},
		{"icloud", "smtp.mail.me.com", "587s", ""},
		{"zoho", "smtp.zoho.com", "465i 587s", ""},
		{"zoho", "smtp.zoho.eu", "465i 587s", ""},
		{"zoho", "smtp.zoho.in", "465i 587s", ""},
		{"proton", "smtp.protonmail.ch", "587s", ""},
		{"ionos", "smtp.ionos.de", "465i 587s", ""},
		{"gmx", "mail.gmx.net", "465i 587s", ""},
		{"gmx", "mail.gmx.com", "465i 587s", ""},
		{"webde", "smtp.web.de", "465i 587s", ""},
		{"t-online", "securesmtp.t-online.de", "465i 587s", ""},
		{"strato", "smtp.strato.de", "465i 587s", ""},
		{"infomaniak", "mail.infomaniak.com", "465i 587s", ""},
		{"migadu", "smtp.migadu.com", "465i 587s", ""},
		{"purelymail", "smtp.purelymail.com", "465i", ""},
		{"mailboxorg", "smtp.mailbox.org", "465i 587s", ""},
		{"forwardemail", "smtp.forwardemail.net", "465i 587s 2525s", ""},
		{"lettermint", "smtp.lettermint.co", "465i 587s", "lettermint"},
		{"ahasend", "send.ahasend.com", "587s 2525s 25s", ""},
		{"ahasend", "send-us.ahasend.com", "587s 2525s 25s", ""},
		{"plunk", "next-smtp.useplunk.com", "587s 2587s", "plunk"},
		{"tencent", "smtp.qcloudmail.com", "465i", ""},
		{"tencent", "sg-smtp.qcloudmail.com", "465i", ""},
		{"tencent", "gz-smtp.qcloudmail.com", "465i", ""},
		{"hostinger", "smtp.hostinger.com", "465i 587s", ""},
		{"yandex", "smtp.yandex.com", "465i", ""},
		{"sweego", "smtp.sweego.io", "587s 465i", ""},
		{"maileroo", "smtp.maileroo.com", "587s", ""},
		{"usesend", "smtp.usesend.com", "587s 465i", "usesend"},
		{"mailchannels", "smtp.mailchannels.net", "587s 25s", ""},
		{"orange", "smtp.orange.fr", "465i", ""},
		{"free-fr", "smtp.free.fr", "465i", ""},
		{"laposte", "smtp.laposte.net", "465i", ""},
		{"comcast-mail", "smtp.comcast.net", "465i 587s", ""},
		{"att", "smtp.mail.att.net", "465i", ""},
		{"bt", "mail.btinternet.com", "465i", ""},
		{"virginmedia", "smtp.virginmedia.com", "465i", ""},
		{"telstra", "smtp.telstra.com", "465i", ""},
		{"kpn", "smtp.kpnmail.nl", "587s", ""},
		{"ziggo", "smtp.ziggo.nl", "587s", ""},
		{"bluewin", "smtpauths.bluewin.ch", "465i", ""},
		{"a1", "securemail.a1.net", "587s", ""},
		{"posteo", "posteo.de", "465i 587s", ""},
		{"gandi", "mail.gandi.net", "465i 587s", ""},
		{"onecom", "send.one.com", "465i", ""},
		{"hetzner-mail", "mail.your-server.de", "465i", ""},
	} {
		t.Run(tt.id+"_"+tt.host, func(t *testing.T) {
			r, region, ok := ByHost(catalog(t), tt.host)
			if !ok || r.ID != tt.id {
				t.Fatalf("got %q for %s (region %q), want %s", r.ID, tt.host, region, tt.id)
			}
			for port := range strings.FieldsSeq(tt.ports) {
				n, err := strconv.Atoi(port[:len(port)-1])
				if err != nil {
					t.Fatal(err)
				}
				want := map[byte]TLSMode{'s': StartTLS, 'i': Implicit}[port[len(port)-1]]
				if got, ok := r.TLSOf(n); !ok || got != want || n != 25 && !slices.Contains(r.PortOrder(), n) {
					t.Errorf("port %d: got %q (%v), want %q, and tried where it is not 25", n, got, ok, want)
				}
			}
			if r.Auth.Username.Fixed != tt.user {
				t.Errorf("user name: got %q, want %q", r.Auth.Username.Fixed, tt.user)
			}
		})
	}
	// What no source was found for is told, and not there.
	page := listPage(catalog(t))
	for _, id := range []string{"mxroute", "duocircle", "jangosmtp", "socketlabs", "netcore", "loops", "workmail"} {
		if strings.Contains(page, "`"+id+"`") {
			t.Errorf("list of the catalogue: got %s in it, want none: take it out of the table of docs/adding-a-relay.md", id)
		}
	}
}
