package instance

import (
	"testing"

	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

// TestPlanned: what is judged is the main.cf of the plan, with what it leaves alone as
// postconf expands it now, and the tables that the plan writes are there.
func TestPlanned(t *testing.T) {
	main, err := postfix.ParseMain([]byte("mydomain = a.example\nsmtp_helo_name = host.$mydomain\n"))
	if err != nil {
		t.Fatal(err)
	}
	p := plan.Plan{Files: []plan.File{
		{Path: "/etc/postfix/main.cf", After: []byte("mydomain = b.example\nsmtp_helo_name = host.$mydomain\n")},
		{Path: "/etc/postfix/relay", Map: "hash"},
		{Path: "/etc/postfix/gone", Map: "hash", Action: plan.Remove},
	}}
	s := postfix.State{Main: main, Params: map[string]string{"mydomain": "a.example", "smtp_helo_name": "host.a.example"}}
	got, pending := planned(s, p)
	for name, want := range map[string]string{"mydomain": "b.example", "smtp_helo_name": "host.a.example"} {
		if got.Params[name] != want {
			t.Errorf("%s: got %q, want %q", name, got.Params[name], want)
		}
	}
	if s.Params["mydomain"] != "a.example" {
		t.Errorf("the state before: got %q, want it as it was", s.Params["mydomain"])
	}
	for path, want := range map[string]bool{"/etc/postfix/relay": true, "/etc/postfix/relay.db": true, "/etc/postfix/gone": false} {
		if pending[path] != want {
			t.Errorf("%s: got pending %v, want %v", path, pending[path], want)
		}
	}
	if got, _ := planned(postfix.State{}, p); got.Params["mydomain"] != "b.example" {
		t.Errorf("without a main.cf: got %q, want b.example", got.Params["mydomain"])
	}
}
