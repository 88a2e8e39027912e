package flow

import (
	"testing"

	"relayhost/internal/host"
	"relayhost/internal/postfix"
)

// TestRouteOfAList: smtp(8) looks TLS and account up for each next hop of a list, the first
// of which is told.
func TestRouteOfAList(t *testing.T) {
	master, err := postfix.ParseMaster([]byte("smtp unix - - n - - smtp\n"))
	if err != nil {
		t.Fatal(err)
	}
	s := postfix.State{Master: master, DefaultMap: "hash", Params: map[string]string{
		"smtp_tls_policy_maps":  "inline:{ { [a.example]:587 = encrypt connection_reuse=yes connection_reuse=no } { [b.example]:587 = none } }",
		"smtp_sasl_auth_enable": "yes", "smtp_sasl_password_maps": "inline:{ { [a.example]:587 = joe:secret } }", "tlsproxy_service_name": "tlsproxy",
	}}
	const detail = "connection_reuse=no connection_reuse=yes"
	for nextHop, want := range map[string]Route{
		"[a.example]:587":                   {TLS: "encrypt", TLSDetail: detail, Account: "joe"},
		"[a.example]:587, [b.example]:587":  {TLS: "encrypt", TLSDetail: detail, Account: "joe"},
		"[b.example]:587 [a.example]:587":   {TLS: "none"},
		"[c.example]:587,[a.example]:587":   {TLS: "none"},
		"[a.example]:587 # the first relay": {TLS: "encrypt", TLSDetail: detail, Account: "joe"},
	} {
		t.Run(nextHop, func(t *testing.T) {
			got := newSideOf(&host.Host{}, s).route(t.Context(), Answer{Transport: "smtp", NextHop: nextHop, Recipient: "x@example.org"}, "y@example.com")
			if got.TLS != want.TLS || got.TLSDetail != want.TLSDetail || got.Account != want.Account || got.NextHop != nextHop {
				t.Errorf("got %+v, want TLS %s %s, the account %q and the next hop as it is", got, want.TLS, want.TLSDetail, want.Account)
			}
		})
	}
}
