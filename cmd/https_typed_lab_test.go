//go:build lab

package cmd_test

import (
	"strings"
	"testing"
	"time"

	"relayhost/internal/bridge/apitest"
	"relayhost/internal/lab"
)

// answers waits until a question is the last thing on the screen, and answers it.
func (p *person) answers(question, text string) {
	p.t.Helper()
	for end := time.Now().Add(time.Minute); !strings.HasSuffix(strings.TrimSpace(p.screen.String()), question); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("want %q asked within a minute, got\n%s", question, p.screen)
		}
	}
	p.term.Type(text + "\r")
}

// TestLabTypedAPIKey: what an API needs is typed at the terminal: a key, after a wrong
// paste and after one that the API does not take, OCIDs and the path of a private key,
// the host of a resource. What is wrong is told and asked for again, and no key is on the
// screen.
func TestLabTypedAPIKey(t *testing.T) {
	t.Parallel()
	const question = "? API key:"
	type typed struct{ question, text, told string } // told: why it is asked for again
	refused := func(id string) string { return strings.Replace(apitest.KeyOf(id), "0123456789", "9876543210", 1) }
	rows := []struct {
		relay, host string
		flags       []string
		typed       []typed
		full        bool
	}{
		{relay: "brevo", host: "api.brevo.com", typed: []typed{
			{question, "xsmtpsib-0123456789abcdef", "this is the password for SMTP"},
			{question, refused("brevo"), ""}, {"? Sender address:", "app@example.com", ""}, {"? Apply this? [y/N/d]:", "y", "401"},
			{question, apitest.KeyOf("brevo"), ""},
		}},
		{relay: "oci", host: "cell0.submit.email.eu-frankfurt-1.oci.oraclecloud.com", flags: []string{"--region", "eu-frankfurt-1"}, typed: []typed{
			{"? OCID of the tenancy:", "ocid1.tenancy.oc1..a", ""}, {"? OCID of the user:", "ocid1.user.oc1..b", ""}, {"? Fingerprint of the key:", "20:3b:97", ""},
			{"? OCID of the compartment:", "ocid1.compartment.oc1..c", ""},
			{"? PEM file of the private key:", "/root/none.pem", "no such file"}, {"? PEM file of the private key:", "/root/oci.pem", ""},
			{"? Sender address:", "app@example.com", ""},
		}},
		{relay: "acs", host: "res.communication.azure.com", full: true, typed: []typed{
			{"? Host name of the resource:", "res.communication.azure.com", ""}, {question, strings.Replace(apitest.Base64Key, "R2Vo", "R2Vi", 1), ""},
			{"? Sender address:", "app@example.com", ""}, {"? Apply this? [y/N/d]:", "y", "401"},
			{"? Host name of the resource: (res.communication.azure.com)", "", ""}, {question, apitest.Base64Key, ""},
		}},
		{relay: "cloudflare", host: "api.cloudflare.com", full: true, typed: []typed{
			{question, refused("cloudflare"), ""}, {"? Account ID:", "acc", ""}, {"? Sender address:", "app@example.com", ""}, {"? Apply this? [y/N/d]:", "y", "401"},
			{question, apitest.KeyOf("cloudflare"), ""}, {"? Account ID: (acc)", "", ""},
		}},
		{relay: "mailjet", host: "api.mailjet.com", full: true, typed: []typed{
			{question, apitest.MailjetUser, ""}, {"? Secret key:", refused("mailjet"), ""}, {"? Sender address:", "app@example.com", ""}, {"? Apply this? [y/N/d]:", "y", "401"},
			{question, apitest.MailjetUser, ""}, {"? Secret key:", apitest.KeyOf("mailjet"), ""},
		}},
		// Whose domain is that of the sender; DNS does not know it.
		{relay: "mailgun", host: "api.mailgun.net", full: true, flags: []string{"--region", "us"}, typed: []typed{
			{question, apitest.KeyOf("mailgun"), ""}, {"? Sender address:", "app@mg.example.com", "enter the address again"}, {"? Sender address:", "app@mg.example.com", ""},
		}},
	}
	options := append(noPorts(), lab.Postfix())
	for _, row := range rows {
		options = append(options, lab.API(row.relay, row.host))
	}
	l := lab.New(t, options...)
	s := l.Server
	ociKey(l)
	before := s.Tree(everywhere...)
	for _, row := range rows {
		if row.full && !fullTable() {
			continue
		}
		t.Run(row.relay, func(t *testing.T) {
			p := sit(t, l, 80, false, append([]string{"relayhost", "setup", "--relay", row.relay, "--via", "https", "--to", "ops@example.net"}, row.flags...)...)
			for _, a := range row.typed {
				p.answers(a.question, a.text)
				if a.told != "" {
					p.sees(a.told)
				}
			}
			p.sees("Relay " + row.host + " port 443, verified TLS")
			p.answers("? Apply this? [y/N/d]:", "y")
			p.ends(0)
			p.sees("delivered:")
			screen := flat(p.screen.String())
			for _, a := range row.typed {
				if (a.question == question && row.relay != "mailjet" || a.question == "? Secret key:") && strings.Contains(screen, a.text) {
					t.Errorf("a key is on the screen: got\n%s\nwant none", p.screen)
				}
			}
			if got := len(l.World.API(row.relay).Got()); got != 2 {
				t.Errorf("messages: got %d, want the rehearsal's and the proof's", got)
			}
			if found := s.Run("grep", "-rlF", apitest.KeyOf(row.relay), "/etc", "/var/log", "/run").Stdout; found != "" {
				t.Errorf("the key is in %s, want none", found)
			}
			if res := l.Run("relayhost", "rollback", "--all", "--yes"); res.Code != 0 {
				t.Fatalf("rollback: want exit code 0, got %s", res)
			}
		})
	}
	if d := before.Diff(s.Tree(everywhere...)); d != "" {
		t.Errorf("rollback left differences: got\n%s\nwant none", d)
	}
}
