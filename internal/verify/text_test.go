package verify

import (
	"strings"
	"testing"

	"relayhost/internal/postfix"
)

// Defects that the first newcomers met, by the test of the right behaviour.
var _ = map[string]func(*testing.T){
	"D18: findings in the order in which they end": TestReportText,
}

func TestReportText(t *testing.T) {
	one := []Route{{Name: "default", Hops: make([]Hop, 1)}}
	several := append(one, Route{Name: "shop", Hops: make([]Hop, 1)})
	findings := []Finding{
		{Check: "config", Result: Pass, Detail: "sound"},
		{Check: "auth", Route: "shop", Result: Fail, Detail: "smtp.example.com:587: smtp.example.com[192.0.2.1]:587: said: 535 no", Remedy: "Give another password.", Command: "relayhost setup"},
		{Check: "delivery", Route: "shop", Result: Skip, Detail: "not tried"},
		{Check: "queue", Result: Pass, Detail: "empty"},
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
	short := strings.Replace(list, "skip  delivery     not tried\n", "", 1)
	short = strings.Replace(short, "result:", "not checked: delivery (--verbose shows why)\nresult:", 1)
	failed := Report{Result: Fail, Findings: findings}
	for _, test := range []struct {
		name    string
		report  Report
		routes  []Route
		skipped bool
		want    string
	}{
		{"several routes", failed, several, false, short},
		{"with what was skipped", failed, several, true, list},
		{"one route", Report{Result: Pass, Findings: findings[:1]}, one, false, "pass  config       sound\nresult: pass\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := test.report.Text(test.routes, Style{Width: 80, Colored: func(word string) string { return word }, Skipped: test.skipped})
			if got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

// Every finding of a run is told in commands for its instance of Postfix.
func TestFindingAtInstance(t *testing.T) {
	var shown Finding
	r := &run{Env: Env{State: postfix.State{ConfigDir: "/etc/postfix-out"}}, Options: Options{Found: func(f Finding) { shown = f }}}
	r.found(Finding{Command: "postqueue -p", Remedy: "Test it: relayhost verify --to ADDRESS."})
	want := Finding{Command: "postqueue -c /etc/postfix-out -p", Remedy: "Test it: relayhost verify --config-dir /etc/postfix-out --to ADDRESS."}
	if shown != want || r.findings[0] != want {
		t.Errorf("got %+v and shown %+v, want %+v", r.findings[0], shown, want)
	}
}
