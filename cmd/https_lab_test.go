//go:build lab

package cmd_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"relayhost/internal/bridge/apitest"
	"relayhost/internal/lab"
	"relayhost/internal/verify"
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
var everywhere = append([]string{"/etc/passwd", "/etc/group", "/var/lib/relayhost", "/var/lib/postfix-relayhost-bridge"}, mailConfig...)

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
		t.Fatalf("setup: want exit code 0, got %s\n%s", res, srv.MailLog())
	}
	if !strings.Contains(res.Stderr, "asked as the role of this instance: no key is stored") {
		t.Errorf("setup does not say whose account it is: want %q in stderr, got %s", "asked as the role of this instance: no key is stored", res.Stderr)
	}
	doc := decode[setupResult](t, res)
	if doc.Result != "applied" || doc.Host != "email.eu-west-1.amazonaws.com" || doc.Port != 443 {
		t.Errorf("setup: got %+v, want the result %q, the host %q and port 443", doc, "applied", "email.eu-west-1.amazonaws.com")
	}
	if got := ses.Got(); len(got) > 0 && got[0].Protocol != "HTTP/2.0" {
		t.Errorf("protocol: got %s, want HTTP/2.0, which the API offers", got[0].Protocol)
	}
	if got := ses.Got(); len(got) != 2 || fmt.Sprint(got[1].To) != "[ops@example.net]" || got[1].From != "app@example.com" {
		t.Errorf("messages: got %+v, want the rehearsal's and the proof's", got)
	}
	if n := l.World.Metadata().WithoutToken(); n != 0 {
		t.Errorf("metadata: got %d requests without an IMDSv2 token, want 0", n)
	}
	for _, secret := range []string{apitest.SecretKey, apitest.Session} {
		if found := srv.Run("grep", "-rlF", secret, "/etc", "/var/lib", "/var/log"); found.Stdout != "" {
			t.Errorf("a secret is in %s, want none", found.Stdout)
		}
	}
	if left := srv.Shell("ls /var/lib/postfix-relayhost-bridge"); left != "ses-https.conf\nses-https.state\nstate\n" {
		t.Errorf("got %q in the directory of the bridges, want %q", left, "ses-https.conf\nses-https.state\nstate\n")
	}

	res = l.Run("relayhost", "verify", "--json")
	if res.Code != 0 {
		t.Errorf("verify: want exit code 0, got %s", res)
	}
	report := decode[verify.Report](t, res)
	for _, check := range []string{"dns", "auth", "delivery"} { // the domain's records, a call that sends nothing, a message
		if !slices.ContainsFunc(report.Findings, func(f verify.Finding) bool { return f.Check == check && f.Result != verify.Fail }) {
			t.Errorf("verify: got %+v, want %s looked at", report.Findings, check)
		}
	}
	if res := l.Run("relayhost", "status"); res.Code != 0 || !strings.Contains(res.Stdout, "email.eu-west-1.amazonaws.com") {
		t.Errorf("status: want exit code 0 and %q in stdout, got %s", "email.eu-west-1.amazonaws.com", res)
	}
	if res := l.Run("relayhost", "status", "--prometheus", "-"); !strings.Contains(res.Stdout, `next_hop="https://email.eu-west-1.amazonaws.com"`) {
		t.Errorf("metrics: got %s, want the API as next hop", res)
	}
	if res := l.Run("relayhost", "setup", "--dry-run", "--detailed-exitcode"); res.Code != 0 {
		t.Errorf("a second setup: got %s, want no difference", res)
	}

	if res := l.Run("relayhost", "rollback", "--all", "--yes"); res.Code != 0 {
		t.Fatalf("rollback: want exit code 0, got %s", res)
	}
	if d := before.Diff(srv.Tree(everywhere...)); d != "" {
		t.Errorf("rollback left differences: got\n%s\nwant none", d)
	}
	if log := srv.MailLog(); strings.Contains(log, "fatal:") || strings.Contains(log, "panic:") {
		t.Errorf("log: got\n%s\nwant neither fatal nor panic", log)
	}
}

// apiSetup is how an administrator sets one API up.
type apiSetup struct {
	id, host    string
	region      string
	credentials string // of the file, "" for none
	flags       []string
}

// apiSetups are all APIs that setup sends through, those first that make test takes:
// one that is posted as a form, one that takes fields, one that signs with a key pair.
func apiSetups() []apiSetup {
	key := func(id string) string { return "api_key=" + apitest.KeyOf(id) + "\n" }
	return []apiSetup{
		{id: "mailgun", host: "api.eu.mailgun.net", region: "eu", credentials: key("mailgun") + "domain=mg.example.com\n"},
		{id: "postmark", host: "api.postmarkapp.com", credentials: "password=" + apitest.KeyOf("postmark") + "\n"},
		{id: "oci", host: "cell0.submit.email.eu-frankfurt-1.oci.oraclecloud.com", region: "eu-frankfurt-1",
			credentials: "username=ocid1.user.oc1..b\nprivate_key=/root/oci.pem\ntenancy=ocid1.tenancy.oc1..a\ncompartment=ocid1.compartment.oc1..c\nkey_fingerprint=20:3b:97\n"},
		{id: "smtp2go", host: "api.smtp2go.com", credentials: key("smtp2go")},
		{id: "sparkpost", host: "api.sparkpost.com", credentials: key("sparkpost")},
		{id: "mandrill", host: "mandrillapp.com", credentials: key("mandrill")},
		{id: "cloudflare", host: "api.cloudflare.com", credentials: key("cloudflare") + "account_id=acc\n"},
		{id: "sendgrid", host: "api.sendgrid.com", credentials: key("sendgrid")},
		{id: "brevo", host: "api.brevo.com", credentials: key("brevo")},
		{id: "resend", host: "api.resend.com", credentials: key("resend")},
		{id: "mailtrap", host: "send.api.mailtrap.io", credentials: key("mailtrap")},
		{id: "mailersend", host: "api.mailersend.com", credentials: key("mailersend")},
		{id: "mailjet", host: "api.mailjet.com", credentials: "username=" + apitest.MailjetUser + "\npassword=" + apitest.KeyOf("mailjet") + "\n"},
		{id: "lettermint", host: "api.lettermint.co", credentials: key("lettermint")},
		{id: "acs", host: "res.communication.azure.com", credentials: key("acs") + "host=res.communication.azure.com\n"},
	}
}

// TestLabSetupAPIs: every API is set up, delivers, is verified and rolled back without a
// trace, where no port of mail gets out.
func TestLabSetupAPIs(t *testing.T) {
	t.Parallel()
	list := apiSetups()
	if os.Getenv("LAB_FULL") == "" {
		list = list[:3]
	}
	for _, a := range list {
		t.Run(a.id, func(t *testing.T) {
			t.Parallel()
			setUpAPI(t, a)
		})
	}
}

// TestLabSetupAPIReleases: two APIs on the other releases of Postfix.
func TestLabSetupAPIReleases(t *testing.T) {
	t.Parallel()
	suites := []lab.Suite{lab.Bullseye}
	if os.Getenv("LAB_FULL") != "" {
		suites = append(suites, lab.Trixie, lab.Sid)
	}
	for _, suite := range suites {
		for _, a := range apiSetups()[:2] {
			t.Run(string(suite)+"_"+a.id, func(t *testing.T) {
				t.Parallel()
				setUpAPI(t, a, lab.On(suite))
			})
		}
	}
}

// ociKey makes the key pair that signs requests to OCI, as /root/oci.pem.
func ociKey(l *lab.Lab) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	l.World.API("oci").OCIKey = &key.PublicKey
	l.Server.WriteFile("/root/oci.pem", string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})), 0o600)
}

func setUpAPI(t *testing.T, a apiSetup, more ...lab.Option) {
	t.Helper()
	options := append(noPorts(), lab.Postfix(), lab.API(a.id, a.host))
	l := lab.New(t, append(options, more...)...)
	srv, service := l.Server, l.World.API(a.id)
	if a.id == "oci" {
		ociKey(l)
	}
	srv.WriteFile("/root/credentials", a.credentials, 0o600)
	before := srv.Tree(everywhere...)
	args := []string{"relayhost", "setup", "--relay", a.id, "--via", "https", "--from", "app@example.com", "--to", "ops@example.net", "--credentials-file", "/root/credentials", "--yes", "--json"}
	if a.region != "" {
		args = append(args, "--region", a.region)
	}
	res := l.Run(append(args, a.flags...)...)
	if res.Code != 0 {
		t.Fatalf("setup: want exit code 0, got %s\n%s", res, srv.MailLog())
	}
	if doc := decode[setupResult](t, res); doc.Result != "applied" || doc.Host != a.host || doc.Port != 443 {
		t.Errorf("setup: got %+v, want the result %q, the host %q and port 443", doc, "applied", a.host)
	}
	if got := service.Got(); len(got) != 2 {
		t.Errorf("messages: got %d, want the rehearsal's and the proof's", len(got))
	}
	key := strings.TrimSpace(strings.TrimPrefix(strings.SplitN(a.credentials, "\n", 2)[0], "api_key="))
	srv.WriteFile("/root/key", key, 0o600)
	if found := srv.Run("sh", "-c", "grep -rlF -f /root/key /etc /var/log /var/spool; grep -lF -f /root/key /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null").Stdout; strings.HasPrefix(a.credentials, "api_key=") && found != "" {
		t.Errorf("the key is in %s, want none", found)
	}
	if mode := srv.Shell("stat -c '%a %U %G' /var/lib/postfix-relayhost-bridge /var/lib/postfix-relayhost-bridge/state /var/lib/postfix-relayhost-bridge/*.state /var/lib/postfix-relayhost-bridge/*.conf"); mode != "750 root relayhost\n700 relayhost relayhost\n700 relayhost relayhost\n640 root relayhost\n" {
		t.Errorf("modes: got\n%s\nwant\n%q", mode, "750 root relayhost\n700 relayhost relayhost\n700 relayhost relayhost\n640 root relayhost\n")
	}
	if res := l.Run("relayhost", "verify", "--json"); res.Code != 0 {
		t.Errorf("verify: want exit code 0, got %s", res)
	}
	if res := l.Run("relayhost", "setup", "--dry-run", "--detailed-exitcode"); res.Code != 0 {
		t.Errorf("a second setup: got %s, want no difference", res)
	}
	if res := l.Run("relayhost", "rollback", "--all", "--yes"); res.Code != 0 {
		t.Fatalf("rollback: want exit code 0, got %s", res)
	}
	if d := before.Diff(srv.Tree(everywhere...)); d != "" {
		t.Errorf("rollback left differences: got\n%s\nwant none", d)
	}
	if log := srv.MailLog(); strings.Contains(log, "fatal:") || strings.Contains(log, "panic:") {
		t.Errorf("log: got\n%s\nwant neither fatal nor panic", log)
	}
}

// TestLabSetupFindsAPI: with no port of mail open, detect recommends the API, and setup
// takes it by itself and says so.
func TestLabSetupFindsAPI(t *testing.T) {
	t.Parallel()
	l := lab.New(t, append(noPorts(), lab.Postfix(), lab.MailExchangers(), lab.Relay("sendgrid"), lab.API("sendgrid", "api.sendgrid.com"))...)
	srv := l.Server
	if res := l.Run("relayhost", "detect", "--relay", "sendgrid"); !strings.Contains(res.Stdout, "sudo relayhost setup --relay sendgrid --via https") {
		t.Errorf("detect: got %s, want the API recommended", res)
	}
	srv.WriteFile("/root/credentials", "username=apikey\npassword="+apitest.KeyOf("sendgrid")+"\n", 0o600)
	setup := []string{"relayhost", "setup", "--relay", "sendgrid", "--from", "app@example.com", "--to", "ops@example.net", "--credentials-file", "/root/credentials", "--yes"}
	if res := l.Run(append(setup, "--via", "smtp")...); res.Code != 3 {
		t.Errorf("setup --via smtp: got %s, want no way found", res)
	}
	res := l.Run(setup...)
	if res.Code != 0 || !strings.Contains(res.Stderr+res.Stdout, "mail is sent by HTTPS") {
		t.Fatalf("setup: want exit code 0 and %q in the output, got %s\n%s", "mail is sent by HTTPS", res, srv.MailLog())
	}
	if got := l.World.API("sendgrid").Got(); len(got) != 2 {
		t.Errorf("messages: got %d, want two", len(got))
	}
	if text := srv.ReadFile("/etc/relayhost/relayhost.toml"); !strings.Contains(text, "via = 'https'") {
		t.Errorf("relayhost.toml: got\n%s\nwant via = 'https'", text)
	}
	passesLarge(t, srv, l.World.API("sendgrid"))
}

// TestLabSwitchHTTPS: from SMTP to the API and back, one route by each, a key that is
// replaced, and each step rolled back: mail goes at every stage, and nothing is left.
func TestLabSwitchHTTPS(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Port25(lab.Dropped), lab.Postfix(), lab.Relay("sendgrid"), lab.API("sendgrid", "api.sendgrid.com"), lab.API("mailgun", "api.mailgun.net"))
	srv, relay := l.Server, l.World.Relay("sendgrid")
	srv.WriteFile("/root/smtp", "username="+relay.Username+"\npassword="+relay.Password+"\n", 0o600)
	srv.WriteFile("/root/api", "api_key="+apitest.KeyOf("sendgrid")+"\n", 0o600)
	srv.WriteFile("/root/mailgun", "api_key="+apitest.KeyOf("mailgun")+"\ndomain=mg.example.com\n", 0o600)
	before := srv.Tree(everywhere...)
	run := func(args ...string) lab.Result {
		t.Helper()
		res := l.Run(append([]string{"relayhost"}, args...)...)
		if res.Code != 0 {
			t.Fatalf("%v: want exit code 0, got %s\n%s", args, res, srv.MailLog())
		}
		return res
	}
	run("setup", "--relay", "sendgrid", "--from", "app@example.com", "--to", "ops@example.net", "--credentials-file", "/root/smtp", "--yes")
	run("setup", "--via", "https", "--credentials-file", "/root/api", "--yes")
	if got := len(l.World.API("sendgrid").Got()); got != 2 {
		t.Errorf("by the API: got %d messages, want 2", got)
	}
	// A route by SMTP's side: another API for one sender.
	toml := srv.ReadFile("/etc/relayhost/relayhost.toml")
	srv.WriteFile("/etc/relayhost/relayhost.toml", toml+"\n[[route]]\nname = \"shop\"\nsenders = [\"shop.example\"]\nrelay = \"mailgun\"\nvia = \"https\"\ncredentials_file = \"/root/mailgun\"\n", 0o644)
	run("setup", "--yes")
	srv.SendMail("orders@shop.example", "ops@example.net", "by the route")
	srv.WaitLog(`relayhost-shop-https/lmtp.*to=<ops@example\.net>.*status=sent`)
	if res := l.Run("relayhost", "verify", "--json"); res.Code != 0 {
		t.Errorf("verify of two routes: want exit code 0, got %s", res)
	}
	// Back to SMTP: what was the bridge's goes.
	srv.WriteFile("/etc/relayhost/relayhost.toml", toml, 0o644)
	run("setup", "--via", "smtp", "--credentials-file", "/root/smtp", "--yes")
	if left := srv.Run("sh", "-c", "ls /var/lib/postfix-relayhost-bridge; getent passwd relayhost; ls /var/lib/relayhost/made-user"); left.Stdout != "" {
		t.Errorf("back at SMTP there is left: got %s, want none", left.Stdout)
	}
	srv.SendMail("app@example.com", "ops@example.net", "by SMTP")
	srv.WaitLog(`relayhost-sendgrid/smtp.*to=<ops@example\.net>.*status=sent`)
	// And forwards again by a rollback: the configurations come back, with their user.
	run("rollback", "--yes")
	if mode := srv.Shell("stat -c '%a %U %G' /var/lib/postfix-relayhost-bridge/sendgrid-https.conf"); mode != "640 root relayhost\n" {
		t.Errorf("after a rollback: got %s, want %q", mode, "640 root relayhost\n")
	}
	srv.SendMail("app@example.com", "again@example.net", "by the API")
	srv.WaitLog(`relayhost-sendgrid-https/lmtp.*to=<again@example\.net>.*status=sent`)
	run("rollback", "--all", "--yes")
	if d := before.Diff(srv.Tree(everywhere...)); d != "" {
		t.Errorf("rollback left differences: got\n%s\nwant none", d)
	}
	if log := srv.MailLog(); strings.Contains(log, "fatal:") || strings.Contains(log, "panic:") || strings.Contains(log, "killed by signal") {
		t.Errorf("log: want no line that is fatal, a panic or killed by a signal, got\n%s", srv.Shell("grep -E 'fatal:|panic:|signal' /var/log/mail.log"))
	}
}
