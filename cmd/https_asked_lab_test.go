//go:build lab

package cmd_test

import (
	"strings"
	"testing"

	"relayhost/internal/bridge/apitest"
	"relayhost/internal/lab"
)

// TestLabHTTPSAsked: where no port of mail gets out, setup at a terminal says that it
// would send by the API and asks: after "no" the host is as before and the API has no
// message. The key of an API comes by standard input as well: typed again at a terminal,
// whatever is stored, or piped. TestLabSetupFindsAPI has --yes.
func TestLabHTTPSAsked(t *testing.T) {
	t.Parallel()
	options := []lab.Option{lab.Postfix(), lab.Relay("sendgrid"), lab.API("sendgrid", "api.sendgrid.com")}
	for _, port := range []int{25, 465, 587, 2525} {
		options = append(options, lab.Port(port, lab.Reset, lab.Both)) // at once: TestLabSetupFindsAPI has silence
	}
	l := lab.New(t, options...)
	s, service := l.Server, l.World.API("sendgrid")
	key := apitest.KeyOf("sendgrid")
	s.WriteFile("/root/credentials", "api_key="+key+"\n", 0o600)
	before := s.Tree(everywhere...)
	const said = "no mail port of Twilio SendGrid is reachable from here, but its API at api.sendgrid.com on port 443 is: mail is sent by HTTPS"
	setup := []string{"relayhost", "setup", "--relay", "sendgrid", "--from", "app@example.com", "--to", "ops@example.net"}

	asked := func(answer string) *person {
		t.Helper()
		p := sit(t, l, 80, false, append(setup, "--credentials-file", "/root/credentials")...)
		p.sees(said)
		p.sees("Relay api.sendgrid.com port 443, verified TLS")
		p.sees("? Apply this? [y/N/d]:")
		p.term.Type(answer + "\r")
		return p
	}
	asked("n").ends(1)
	if d := before.Diff(s.Tree(everywhere...)); d != "" || len(service.Got()) != 0 {
		t.Errorf("after no: got %d messages and differences\n%s\nwant none", len(service.Got()), d)
	}
	if res := l.Run(append(setup, "--credentials-file", "/root/credentials")...); res.Code == 0 || !strings.Contains(res.Stderr, "--yes") || len(service.Got()) != 0 {
		t.Errorf("without a terminal and --yes: got %s and %d messages, want an error that names --yes", res, len(service.Got()))
	}
	p := asked("y")
	p.ends(0)
	p.sees("delivered:")
	if got := len(service.Got()); got != 2 {
		t.Errorf("messages: got %d, want the rehearsal's and the proof's", got)
	}

	p = sit(t, l, 80, false, "relayhost", "setup", "--credentials-file", "-")
	p.answers("? API key:", strings.Replace(key, "0123456789", "9876543210", 1))
	p.answers("? Apply this? [y/N/d]:", "y")
	p.sees("401 the key is not valid")
	p.answers("? API key:", key) // the one that is stored
	p.ends(0)
	p.sees("unchanged")

	piped := func(key string) lab.Result {
		return s.Do(lab.Command{Args: append(setup, "--credentials-file", "-", "--yes"), Stdin: "api_key=" + key + "\n"})
	}
	if res := piped("SG.wrong"); res.Code == 0 || !strings.Contains(res.Stderr, "401 the key is not valid") {
		t.Errorf("setup with a wrong key that is piped: got %s, want it refused, whatever is stored", res)
	}
	if res := piped(key); res.Code != 0 || !strings.Contains(res.Stdout, "unchanged") {
		t.Errorf("setup with the key that is piped: got %s, want unchanged", res)
	}
	if got := len(service.Got()); got != 2 {
		t.Errorf("messages: got %d, want no more than the first two", got)
	}
}
