package verify

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"relayhost/internal/bridge/api"
	"relayhost/internal/explain"
)

// api asks the API of the hop whether it takes the stored key. How far that came tells
// the steps: its answer is one over a verified connection.
func (l *hopCheck) api(ctx context.Context) []Finding {
	defer l.decide(false)
	if f := l.names(ctx); f != nil && l.hop.Proxy == "" {
		return []Finding{*f}
	}
	by := ""
	if l.hop.Proxy != "" {
		by = " by the proxy " + l.hop.Proxy
	}
	proved, err := l.hop.Check(ctx)
	var said *api.Reply
	switch {
	case err == nil && !proved:
		return skip("auth", l.about("this API has no call that proves a key and sends nothing; the delivery shows whether it is right"))
	case err == nil:
		return []Finding{
			{Check: "tls", Result: Pass, Detail: l.about(fmt.Sprintf("port %d%s answers, the certificate verified for %s", l.hop.Port, by, l.hop.Host))},
			{Check: "auth", Result: Pass, Detail: l.about("the API takes the stored key")},
		}
	case !errors.As(err, &said):
		return []Finding{{Check: "connect", Result: Fail, Detail: l.about(err.Error())}}
	}
	check := "connect"
	switch _, detail, _ := strings.Cut(said.Enhanced, "."); detail {
	case "7.8":
		check = "auth"
	case "7.5":
		check = "tls"
	}
	return []Finding{Finding{Check: check, Result: Fail, Detail: l.about(said.Error())}.because(explain.Text(said.Error(), l.hop.Relay))}
}
