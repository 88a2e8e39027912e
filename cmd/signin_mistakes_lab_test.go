//go:build lab

package cmd_test

import (
	"strings"
	"testing"

	"relayhost/internal/lab"
)

// makeKeys makes what people take for the PEM file of an application, with openssl.
const makeKeys = `cd /root
for n in a b; do openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=$n -keyout $n.key -out $n.crt 2>/dev/null; done
openssl pkey -in a.key -aes256 -passout pass:x -out locked.key; openssl rsa -in a.key -aes256 -passout pass:x -out old.key 2>/dev/null
openssl ecparam -name secp384r1 -genkey -noout -out ec.key; openssl req -x509 -key ec.key -days 30 -subj /CN=ec -out ec.crt
cat a.key a.crt > good.pem; cat b.key a.crt > other.pem; cat locked.key a.crt > locked.pem; cat old.key a.crt > old.pem; cat ec.key ec.crt > ec.pem
cp a.crt certificate.pem; cp a.key key.pem; cp good.pem open.pem; : > empty.pem; echo hello > words.pem
openssl pkcs12 -export -passout pass:x -in a.crt -inkey a.key -out a.pfx; openssl x509 -in a.crt -outform der -out a.der
chmod 600 *.pem a.pfx a.der; chmod 644 open.pem; mkdir -m 700 dir.pem`

// TestLabSignInMistakes: what people get wrong in a credentials file for a sign-in by OAuth
// is told by what it is and how to make it right, before anything is asked of anybody; the
// host stays as it is, and no secret is repeated.
func TestLabSignInMistakes(t *testing.T) {
	t.Parallel()
	l := signInLab(t, lab.Bookworm)
	s := l.Server
	s.Shell(makeKeys)
	const (
		whose = "mailbox=" + mailbox + "\n"
		base  = whose + "tenant=contoso.example\nclient_id=" + clientID + "\n"
		good  = base + "client_secret=" + clientSecret + "\n"
		pem   = base + "client_certificate=/root/"
	)
	before := s.Tree("/etc", "/var/lib/postfix", "/var/lib/postfix-relayhost-bridge", "/var/spool/postfix/private")
	for _, row := range []struct {
		name, file string
		code       int
		says, fix  string
	}{
		{"quotes", base + `client_secret="` + clientSecret + "\"\n", 64, "client_secret is in quotes", "makes a new one"},
		{"single quotes", base + "client_secret='" + clientSecret + "'\n", 64, "client_secret is in quotes", "makes a new one"},
		{"blank before it", base + "client_secret= " + clientSecret + "\n", 64, "begins or ends with a blank", "makes a new one"},
		{"blank behind it", base + "client_secret=" + clientSecret + " \n", 64, "begins or ends with a blank", "makes a new one"},
		{"blank in it", base + "client_secret=Gehe1m Client~42\n", 64, "has a blank in it", "makes a new one"},
		{"line end in it", base + "client_secret=Gehe1m\nClient~42\n", 1, `line 5 has no "="`, "each line is key=value"},
		{"line end before it", base + "client_secret=\n" + clientSecret + "\n", 1, `line 4: nothing stands behind the "="`, "each line is key=value"},
		{"certificate without key", pem + "certificate.pem\n", 64, "holds a certificate and no private key", "cat key.pem cert.pem"},
		{"key without certificate", pem + "key.pem\n", 64, "holds a private key and no certificate", "cat key.pem cert.pem"},
		{"key of another certificate", pem + "other.pem\n", 64, "holds the key of another certificate", "made together with the certificate"},
		{"encrypted key", pem + "locked.pem\n", 64, "encrypted with a password", "openssl pkey -in key.pem"},
		{"encrypted key, old form", pem + "old.pem\n", 64, "encrypted with a password", "openssl pkey -in key.pem"},
		{"another kind of key", pem + "ec.pem\n", 64, "neither RSA nor P-256", "openssl req"},
		{"PFX", pem + "a.pfx\n", 64, "PFX (PKCS #12)", "openssl pkcs12 -in FILE -nodes"},
		{"DER", pem + "a.der\n", 64, "DER form", "openssl x509 -inform der"},
		{"neither", pem + "words.pem\n", 64, "no PEM", "cat key.pem cert.pem"},
		{"empty file", pem + "empty.pem\n", 1, "/root/empty.pem is empty", "absolute path of a file"},
		{"missing file", pem + "gone.pem\n", 1, "open /root/gone.pem: no such file", "absolute path of a file"},
		{"directory", pem + "dir.pem\n", 1, "/root/dir.pem is not a regular file", "absolute path of a file"},
		{"relative", base + "client_certificate=good.pem\n", 1, "not an absolute path", "absolute path of a file"},
		{"secret as file", base + "client_certificate=" + clientSecret + "\n", 1, "not an absolute path", "absolute path of a file"},
		{"file open to all", pem + "open.pem\n", 1, "/root/open.pem is readable by other users (mode 0644)", "chmod 600 /root/open.pem, and make a new key"},
		{"secret as tenant", whose + "tenant=" + clientSecret + "\nclient_id=" + clientID + "\nclient_secret=" + clientSecret + "\n", 64, "the tenant is the client secret", "Directory (tenant) ID"},
		{"secret as tenant, like a domain", whose + "tenant=Gehe1m.Client42\nclient_id=" + clientID + "\nclient_secret=Gehe1m.Client42\n", 64, "the tenant is the client secret", "Directory (tenant) ID"},
		{"secret as client ID", whose + "tenant=contoso.example\nclient_id=" + clientSecret + "\nclient_secret=" + clientSecret + "\n", 64, "client_id has the form of a client secret", "overview page"},
		{"tenant as address", whose + "tenant=https://login.microsoftonline.com/contoso.example\nclient_id=" + clientID + "\nclient_secret=" + clientSecret + "\n", 64, "the tenant is an address", "domain of the organisation"},
		{"client ID that is none", whose + "tenant=contoso.example\nclient_id=mailer\nclient_secret=" + clientSecret + "\n", 64, "client_id is not an Application (client) ID", "overview page"},
		{"unknown key", base + "client_secert=" + clientSecret + "\n", 1, "line 4: unknown key", "each line is key=value"},
		{"secret as key", base + clientSecret + "=\n", 1, "line 4: ", "each line is key=value"},
		{"no equals sign", base + "client_secret " + clientSecret + "\n", 1, `line 4 has no "="`, "each line is key=value"},
		{"given twice", good + "client_secret=" + clientSecret + "\n", 1, "line 5 gives client_secret again", "each line is key=value"},
		{"both", good + "client_certificate=/root/good.pem\n", 1, "both client_secret and client_certificate", "each line is key=value"},
		{"UTF-16", "\xff\xfem\x00a\x00i\x00l\x00\n\x00", 1, "it is UTF-16; save it as UTF-8", "each line is key=value"},
		{"nothing", "\n", 1, "it is empty", "each line is key=value"},
		{"secret of the past", good + "client_secret_expires=2020-01-01\n", 64, "client_secret ended on 2020-01-01", "make a new one"},
		{"byte order mark and CR LF", "\ufeff" + strings.ReplaceAll(good, "\n", "\r\n"), 0, "", ""},
		{"certificate", pem + "good.pem\n", 0, "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			s.WriteFile("/root/m365.txt", row.file, 0o600)
			args := []string{"relayhost", "setup", "--relay", "m365", "--from", mailbox, "--to", "ops@example.net", "--credentials-file", "/root/m365.txt", "--yes", "--port", "587", "--no-probe"}
			if row.code == 0 {
				args = append(args, "--dry-run")
			}
			res := l.Run(args...)
			said := strings.Join(strings.Fields(res.Stderr), " ")
			if res.Code != row.code || !strings.Contains(said, row.says) || !strings.Contains(said, row.fix) {
				t.Errorf("got %s, want exit code %d, %q and the hint %q", res, row.code, row.says, row.fix)
			}
			for _, hidden := range []string{"Gehe1m", "Client~42", "PRIVATE KEY"} {
				if strings.Contains(res.Stdout+res.Stderr, hidden) {
					t.Errorf("got %s, want no %q in it", res, hidden)
				}
			}
		})
	}
	s.Shell("chmod 644 /root/m365.txt")
	if res := l.Run("relayhost", "setup", "--relay", "m365", "--from", mailbox, "--credentials-file", "/root/m365.txt", "--yes"); res.Code != 1 ||
		!strings.Contains(res.Stderr, "chmod 600 /root/m365.txt, and change the password or secret") {
		t.Errorf("credentials file open to all: got %s, want that it is refused", res)
	}
	if d := before.Diff(s.Tree("/etc", "/var/lib/postfix", "/var/lib/postfix-relayhost-bridge", "/var/spool/postfix/private")); d != "" {
		t.Errorf("got differences:\n%s\nwant none", d)
	}
	if got := len(l.World.Identity().Requests()); got != 0 {
		t.Errorf("requests at the identity provider: got %d, want none", got)
	}
}
