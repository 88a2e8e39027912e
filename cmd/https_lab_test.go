//go:build lab

package cmd_test

import (
	"fmt"
	"strings"
	"testing"

	"relayhost/internal/bridge/apitest"
	"relayhost/internal/lab"
)

// noPorts drops every port that mail is submitted on.
func noPorts() []lab.Option {
	var options []lab.Option
	for _, port := range []int{25, 465, 587, 2525, 2587, 2465} {
		options = append(options, lab.Port(port, lab.Dropped, lab.Both))
	}
	return options
}

// everywhere is all that a setup with a bridge may leave something in.
var everywhere = append([]string{"/etc/passwd", "/etc/group", "/var/lib"}, mailConfig...)

// TestLabSetupHTTPS: on an EC2 instance with a role and no key file, where no port of
// mail gets out, setup sends by the API of Amazon SES; verified, and rolled back
// without a trace.
func TestLabSetupHTTPS(t *testing.T) {
	t.Parallel()
	l := lab.New(t, append(noPorts(), lab.Postfix(), lab.Cloud("aws"), lab.API("ses", "email.eu-west-1.amazonaws.com"), lab.Relay("ses"))...)
	srv, ses := l.Server, l.World.API("ses")
	before := srv.Tree(everywhere...)
	res := l.Run("relayhost", "setup", "--relay", "ses", "--region", "eu-west-1", "--via", "https", "--from", "app@example.com", "--to", "ops@example.net", "--yes", "--json")
	if res.Code != 0 {
		t.Fatalf("setup: %s\n%s", res, srv.MailLog())
	}
	doc := decode[setupResult](t, res)
	if doc.Result != "applied" || doc.Host != "email.eu-west-1.amazonaws.com" || doc.Port != 443 {
		t.Errorf("setup said %+v", doc)
	}
	if got := ses.Got(); len(got) != 2 || fmt.Sprint(got[1].To) != "[ops@example.net]" || got[1].From != "app@example.com" {
		t.Errorf("messages: got %+v, want the rehearsal's and the proof's", got)
	}
	if n := l.World.Metadata().WithoutToken(); n != 0 {
		t.Errorf("metadata: got %d requests without an IMDSv2 token, want 0", n)
	}
	for _, secret := range []string{apitest.SecretKey, apitest.Session} {
		if found := srv.Run("grep", "-rlF", secret, "/etc", "/var/lib", "/var/log"); found.Stdout != "" {
			t.Errorf("a secret is in %s", found.Stdout)
		}
	}
	if left := srv.Shell("ls /var/lib/postfix-relayhost-bridge"); left != "ses-https.conf\nstate\n" {
		t.Errorf("got %q in the directory of the bridges", left)
	}

	if res := l.Run("relayhost", "verify", "--json"); res.Code != 0 {
		t.Errorf("verify: %s", res)
	}
	if res := l.Run("relayhost", "status"); res.Code != 0 || !strings.Contains(res.Stdout, "email.eu-west-1.amazonaws.com") {
		t.Errorf("status: %s", res)
	}
	if res := l.Run("relayhost", "setup", "--dry-run", "--detailed-exitcode"); res.Code != 0 {
		t.Errorf("a second setup: got %s, want no difference", res)
	}

	if res := l.Run("relayhost", "rollback", "--all", "--yes"); res.Code != 0 {
		t.Fatalf("rollback: %s", res)
	}
	if d := before.Diff(srv.Tree(everywhere...)); d != "" {
		t.Errorf("rollback left differences:\n%s", d)
	}
	if log := srv.MailLog(); strings.Contains(log, "fatal:") || strings.Contains(log, "panic:") {
		t.Errorf("log: got\n%s\nwant neither fatal nor panic", log)
	}
}
