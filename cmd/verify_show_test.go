package cmd

import (
	"bytes"
	"strings"
	"testing"

	"relayhost/internal/ui"
	"relayhost/internal/verify"
)

func TestFindingList(t *testing.T) {
	one := []verify.Route{{Name: "default", Hops: make([]verify.Hop, 1)}}
	several := append(one, verify.Route{Name: "shop", Hops: make([]verify.Hop, 1)})
	findings := []verify.Finding{
		{Check: "config", Result: verify.Pass, Detail: "sound"},
		{Check: "auth", Route: "shop", Result: verify.Fail, Detail: "smtp.example.com:587: smtp.example.com[192.0.2.1]:587: said: 535 no", Remedy: "Give another password.", Command: "relayhost setup"},
		{Check: "delivery", Route: "shop", Result: verify.Skip, Detail: "not tried"},
		{Check: "queue", Result: verify.Pass, Detail: "empty"},
	}
	const list = `this server
pass  config       sound

route shop
fail  auth         smtp.example.com:587: smtp.example.com[192.0.2.1]:587: said:
                   535 no
                   do: Give another password.
                       relayhost setup
skip  delivery     not tried

this server
pass  queue        empty
result: fail
`
	var out bytes.Buffer
	l := findingList{app: &app{io: &ui.Streams{Out: &out, Err: &out}}, routes: several}
	l.all(verify.Report{Result: verify.Fail, Findings: findings})
	const skipped = "skip  delivery     not tried\n"
	short := strings.Replace(list, skipped, "", 1)
	short = strings.Replace(short, "result:", "not checked: delivery (--verbose shows why)\nresult:", 1)
	if out.String() != short {
		t.Errorf("got\n%s\nwant\n%s", out.String(), short)
	}
	out.Reset()
	l = findingList{app: &app{io: l.app.io, verbose: true}, routes: several}
	l.all(verify.Report{Result: verify.Fail, Findings: findings})
	if out.String() != list {
		t.Errorf("--verbose: got\n%s\nwant\n%s", out.String(), list)
	}
	out.Reset()
	l = findingList{app: l.app, routes: one}
	l.all(verify.Report{Result: verify.Pass, Findings: findings[:1]})
	if out.String() != "pass  config       sound\nresult: pass\n" {
		t.Errorf("one route:\n%s", out.String())
	}
}
