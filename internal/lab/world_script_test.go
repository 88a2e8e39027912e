package lab

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"relayhost/internal/lab/script"
)

func TestScriptTakesTheName(t *testing.T) {
	const host = "smtp.postmarkapp.com"
	w, n := testWorld(t, Relay("postmark"))
	s := w.Script(host, 587, script.Line("220 hello"), script.Answer(nil))
	w.Script(host, 2525, script.Reset())
	addr := w.scriptAddr(host)
	if got := shown(ask(t, n, "udp", host+".", 1, 0)); !strings.HasSuffix(got, " "+addr.String()) || strings.Contains(got, w.Relay("postmark").Hosts[0].Addrs[0].String()) {
		t.Errorf("DNS: got %s, want %v at its end and no %v in it", got, " "+addr.String(), w.Relay("postmark").Hosts[0].Addrs[0].String())
	}
	if got := exchange(t, n.at("tcp", net.JoinHostPort(addr.String(), "587")), "EHLO x", "QUIT"); len(got) != 3 || got[0] != "220 hello" {
		t.Errorf("dialogue: got %q, want 3 lines, the first %q", got, "220 hello")
	}
	if r := s.Records(); len(r) != 1 || !r[0].SawPlain("EHLO") {
		t.Errorf("records: got %+v, want one with EHLO in clear", r)
	}
	if w.ServerTLS(host).Certificates == nil {
		t.Errorf("ServerTLS(%q): got no certificates, want some", host)
	}
}

func TestCertificateFlaws(t *testing.T) {
	const host = "smtp.resend.com"
	w, n := testWorld(t, Relay("resend"))
	r := w.Relay("resend")
	at := n.at("tcp", net.JoinHostPort(r.Hosts[0].Addrs[0].String(), "465"))
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	var unknown x509.UnknownAuthorityError
	for flaw, want := range map[Flaw]any{Flawless: nil, Expired: &invalid, NotYetValid: &invalid, WrongName: &name, SelfSigned: &unknown, UnknownCA: &unknown} {
		t.Run(fmt.Sprintf("flaw %q", flaw), func(t *testing.T) {
			if err := r.Present(flaw); err != nil {
				t.Fatal(err)
			}
			c, err := tls.Dial("tcp", at, &tls.Config{ServerName: host, RootCAs: roots(w)})
			if err == nil {
				_ = c.Close()
			}
			if (want == nil) != (err == nil) || want != nil && !errors.As(err, want) {
				t.Errorf("certificate with flaw %q: got %v, want an error of type %T (none for <nil>)", flaw, err, want)
			}
		})
	}
}
