//go:build lab

package cmd_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/lab/handmade"
	"relayhost/internal/secret"
	"relayhost/internal/smtpd"
	"relayhost/relays"
)

const handmadeSetups = "../internal/adopt/testdata"

// adoption is a server that was set up by hand, and the relays of its world.
type adoption struct {
	*testing.T
	l     *lab.Lab
	setup handmade.Setup
	words *strings.Replacer
	seen  map[string]int // messages of each relay that have been looked at
}

// TestLabAdopt takes setups over that are as people make them by hand: mail of
// each sender leaves by the same relay, port and account before and after, and
// the way back leads to the same bytes. Without LAB_FULL one of each mechanism.
func TestLabAdopt(t *testing.T) {
	t.Parallel()
	names, err := handmade.Names(handmadeSetups)
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("LAB_FULL") == "" {
		names = []string{"catch-all", "closed-by-sender", "fallback", "fingerprint", "gmail", "internal", "mailgun-465", "sendgrid", "two-accounts"}
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAdoption(t, name)
			a.install()
			before := a.ways()
			tree := a.l.Server.Tree(mailConfig...)
			a.adopt(tree)
			tree = a.l.Server.Tree(mailConfig...)
			a.makeOurs()
			if after := a.ways(); !slices.Equal(before, after) {
				t.Errorf("got the ways\n%s\nwant those before\n%s", strings.Join(after, "\n"), strings.Join(before, "\n"))
			}
			if res := a.l.Run("relayhost", "rollback", "--all", "--yes"); res.Code != 0 {
				t.Errorf("rollback: want exit code 0, got %s", res)
			}
			if d := tree.Diff(a.l.Server.Tree(mailConfig...)); d != "" {
				t.Errorf("rollback left differences: got\n%s\nwant none", d)
			}
			if again := a.ways(); !slices.Equal(before, again) {
				t.Errorf("got after the rollback the ways\n%s\nwant those before\n%s", strings.Join(again, "\n"), strings.Join(before, "\n"))
			}
		})
	}
}

// newAdoption starts the relays of a setup and a server without one.
func newAdoption(t *testing.T, name string) *adoption {
	t.Helper()
	setup, err := handmade.Read(handmadeSetups, name, strings.NewReplacer())
	if err != nil {
		t.Fatal(err)
	}
	opts := []lab.Option{lab.Cloud("aws"), lab.MailExchangers(), lab.Postfix()}
	if setup.Suite != "" {
		opts = append(opts, lab.On(lab.Suite(setup.Suite)), lab.Packages("postfix-lmdb"))
	}
	pin := ""
	for _, relay := range setup.Relays {
		more := func(c *smtpd.Config) {
			for _, line := range setup.Accounts {
				if w := strings.Fields(line); w[0] == relay {
					c.Accounts = append(c.Accounts, smtpd.Account{Username: w[1], Password: secret.New(w[2])})
				}
			}
		}
		w := strings.Split(relay, ":")
		if len(w) == 1 {
			opts = append(opts, lab.Relay(relay, more))
			continue
		}
		port, _ := strconv.Atoi(w[1])
		opts = append(opts, lab.RelayAt(w[:1], []relays.Port{{Port: port, TLS: relays.StartTLS}}, func(c *smtpd.Config) {
			if w[2] == "plain" {
				c.TLS, c.NoAuth, c.Accounts = nil, true, nil
				return
			}
			cert, err := smtpd.SelfSigned(w[0])
			if err != nil {
				t.Fatal(err)
			}
			c.TLS = smtpd.ServerTLS(cert)
			sum := sha256.Sum256(cert.Certificate[0])
			pin = strings.ReplaceAll(strings.ToUpper(fmt.Sprintf("% x", sum[:])), " ", ":")
		}))
	}
	a := &adoption{T: t, l: lab.New(t, opts...), seen: map[string]int{}}
	words := []string{"@PIN@", pin, "@CA@", string(a.l.World.CA.PEM)}
	for i, relay := range setup.Relays {
		id, _, own := strings.Cut(relay, ":")
		if own {
			id = relays.SmarthostID
		}
		r := a.l.World.Relay(id)
		words = append(words, "@"+id+".USER@", r.Username, "@"+id+".PASS@", r.Password)
		if i == 0 {
			words = append(words, "@USER@", r.Username, "@PASS@", r.Password)
		}
	}
	a.words = strings.NewReplacer(words...)
	if a.setup, err = handmade.Read(handmadeSetups, name, a.words); err != nil {
		t.Fatal(err)
	}
	if len(a.setup.Send) == 0 {
		a.setup.Send = []handmade.Send{{From: "app@example.com", To: "someone@elsewhere.example"}}
	}
	return a
}

// install makes the setup as the how-tos do.
func (a *adoption) install() {
	a.Helper()
	s := a.l.Server
	for _, f := range a.setup.Files {
		s.Shell("mkdir -p $(dirname " + f.Path + ")")
		s.WriteFile(f.Path, f.Data, f.Mode)
	}
	for _, table := range a.setup.Postmap {
		s.Shell("postmap " + table)
	}
	for _, name := range a.setup.Remove {
		s.Shell("postconf -X " + name)
	}
	for line := range strings.Lines(a.setup.Main) {
		s.Run("postconf", "-e", strings.TrimSpace(line))
	}
	if a.setup.Master != "" {
		s.WriteFile("/etc/postfix/master.cf", s.ReadFile("/etc/postfix/master.cf")+a.setup.Master, 0o644)
	}
	// smtp(8) is chrooted, and its directory is filled by the distribution's unit.
	s.Shell("cd /var/spool/postfix && mkdir -p etc && cp /etc/resolv.conf /etc/services /etc/hosts /etc/nsswitch.conf etc/")
	s.Shell("postfix reload")
}

// ways sends the mail of the setup and says by which relay, port and account
// each message came, asked of the relays.
func (a *adoption) ways() []string {
	a.Helper()
	list := a.send(a.setup.Send)
	if len(a.setup.Fails) == 0 {
		return list
	}
	first := a.l.World.Relay(a.ids()[0])
	first.Configure(func(c *smtpd.Config) {
		c.Replies = map[smtpd.Step]smtpd.Reply{smtpd.StepMail: {Code: 451, Enhanced: "4.3.0", Text: "later"}}
	})
	list = append(list, a.send(a.setup.Fails)...)
	first.Configure(func(c *smtpd.Config) { c.Replies = nil })
	return list
}

func (a *adoption) send(mail []handmade.Send) (list []string) {
	a.Helper()
	for n, m := range mail {
		subject := fmt.Sprintf("Message-ID: <%d.%d@test>\n\nhello", time.Now().UnixNano(), n)
		a.l.Server.SendMail(m.From, m.To, subject)
		got, id := a.arrived()
		_, port, _ := strings.Cut(strings.TrimPrefix(got.Session.Local, "["), "]:")
		if port == "" {
			port = got.Session.Local[strings.LastIndexByte(got.Session.Local, ':')+1:]
		}
		if m.Relay != "" && (id != m.Relay || got.Session.Username != m.Username) {
			a.Errorf("mail of %s to %s: got it at %s as %q, want it at %s as %q", m.From, m.To, id, got.Session.Username, m.Relay, m.Username)
		}
		list = append(list, fmt.Sprintf("%s -> %v by %s port %s as %q", got.From, got.To, id, port, got.Session.Username))
	}
	return list
}

// arrived waits for the next message at any relay that has not been looked at.
func (a *adoption) arrived() (smtpd.Message, string) {
	a.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		for _, id := range a.ids() {
			if box := a.l.World.Relay(id).Mailbox(); len(box) > a.seen[id] {
				a.seen[id]++
				return box[a.seen[id]-1], id
			}
		}
	}
	a.Fatalf("got no message, want one at a relay\n%s", a.l.Server.MailLog())
	return smtpd.Message{}, ""
}

func (a *adoption) ids() (ids []string) {
	for _, relay := range a.setup.Relays {
		if strings.Contains(relay, ":") {
			relay = relays.SmarthostID
		}
		ids = append(ids, relay)
	}
	return ids
}

// adopt writes the file, and nothing else.
func (a *adoption) adopt(before lab.Tree) {
	a.Helper()
	args := []string{"relayhost", "adopt", "--write", "--json"}
	if !slices.Contains([]string{"gmail", "office365", "brevo-lmdb"}, a.setup.Name) {
		args = append(args, "--from", "app@example.com")
	}
	res := a.l.Run(args...)
	if res.Code != 0 {
		a.Fatalf("adopt: want exit code 0, got %s", res)
	}
	valid(a.T, "adopt", res.Stdout)
	a.noSecret(res)
	after := a.l.Server.Tree(mailConfig...)
	if _, written := after["/etc/relayhost/relayhost.toml"]; !written {
		a.Error("adopt wrote no file, want relayhost.toml")
	}
	if d := before.Diff(after.Without("/etc/relayhost")); d != "" {
		a.Errorf("adopt changed Postfix: got the differences\n%s\nwant none", d)
	}
	for _, id := range a.ids() {
		if n := len(a.l.World.Relay(id).Mailbox()); n != a.seen[id] {
			a.Errorf("adopt sent mail: got %d messages at %s, want %d", n, id, a.seen[id])
		}
	}
	if res := a.l.Run(args...); res.Code != 1 || !strings.Contains(res.Stderr, "is there already") {
		a.Errorf("a second time: want exit code 1 and %q in stderr, got %s", "is there already", res)
	}
}

func (a *adoption) noSecret(res lab.Result) {
	a.Helper()
	for _, word := range []string{"@PASS@"} {
		word = a.words.Replace(word)
		if word != "" && word[0] != '@' && strings.Contains(res.Stdout+res.Stderr, word) {
			a.Error("the password is printed, want it nowhere in the output")
		}
	}
}

// makeOurs runs setup on the file alone.
func (a *adoption) makeOurs() {
	a.Helper()
	const file = "/etc/relayhost/relayhost.toml"
	offer := a.l.Server.ReadFile(file)
	res := a.l.Run("relayhost", "setup", "--yes", "--json")
	if now := a.l.Server.ReadFile(file); now != offer {
		a.Errorf("setup wrote the file again: got\n%s\nwant\n%s", now, offer)
	}
	if res.Code != 0 {
		a.Fatalf("setup: want exit code 0, got %s\n%s\n%s", res, a.l.Server.ReadFile("/etc/relayhost/relayhost.toml"), a.l.Server.MailLog())
	}
	a.noSecret(res)
	if doc := decode[setupResult](a.T, res); doc.Result != "applied" {
		a.Errorf("setup: got %+v, want the result %q", doc, "applied")
	}
	for _, id := range a.ids() { // rehearsal and proof
		a.seen[id] = len(a.l.World.Relay(id).Mailbox())
	}
	if res := a.l.Run("relayhost", "setup", "--yes", "--json"); !strings.Contains(res.Stdout, `"unchanged"`) {
		a.Errorf("a second time: want %q in stdout, got %s", `"unchanged"`, res)
	}
}

// TestLabAdoptCommand: what the command says on servers in all states, to root
// and to others.
func TestLabAdoptCommand(t *testing.T) {
	t.Parallel()
	a := newAdoption(t, "sendgrid")
	s := a.l.Server
	if res := a.l.Run("relayhost", "adopt"); res.Code != 1 || !strings.Contains(res.Stderr, "uses no relay") || !strings.Contains(res.Stderr, "relayhost setup") {
		t.Errorf("without a relay: want exit code 1, %q and %q in stderr, got %s", "uses no relay", "relayhost setup", res)
	}
	a.install()
	tree := s.Tree(mailConfig...)
	res := s.RunAs(1000, "relayhost", "adopt")
	if res.Code != 0 || !strings.HasPrefix(res.Stdout, "# Made of") || !strings.Contains(res.Stdout, "\nrelay = \"sendgrid\"\n") ||
		!strings.Contains(res.Stderr, "\nopen: from: ") || !strings.HasSuffix(res.Stderr, "next: relayhost adopt --write\n") {
		t.Errorf("as somebody: want exit code 0, a file that begins with %q and has the relay, and in stderr %q and %q at the end, got %s", "# Made of", "\nopen: from: ", "next: relayhost adopt --write\n", res)
	}
	a.noSecret(res)
	if res := s.RunAs(1000, "relayhost", "adopt", "--write"); res.Code != 1 || !strings.Contains(res.Stderr, "by root alone") {
		t.Errorf("--write as somebody: want exit code 1 and %q in stderr, got %s", "by root alone", res)
	}
	if res := a.l.Run("relayhost", "setup", "--no-probe", "--port", "587", "--yes"); !strings.Contains(res.Stderr, "note: mail is sent through [smtp.sendgrid.net]:587 already; relayhost adopt") {
		t.Errorf("setup without a relay: want %q in stderr, got %s", "note: mail is sent through [smtp.sendgrid.net]:587 already; relayhost adopt", res)
	}
	if d := tree.Diff(s.Tree(mailConfig...)); d != "" {
		t.Errorf("adopt changed the host: got\n%s\nwant none", d)
	}
	s.Shell("echo '* :' > /etc/postfix/transport && postmap hash:/etc/postfix/transport && postconf -e transport_maps=hash:/etc/postfix/transport")
	if res := a.l.Run("relayhost", "adopt"); strings.Contains(res.Stderr, "postmap") {
		t.Errorf("a table that is compiled: want no %q in stderr, got %s", "postmap", res)
	}
	s.Shell("touch -d '1 hour' /etc/postfix/transport")
	if res := a.l.Run("relayhost", "adopt"); !strings.Contains(res.Stderr, "open: postmap hash:/etc/postfix/transport: ") {
		t.Errorf("a table that is not: want %q in stderr, got %s", "open: postmap hash:/etc/postfix/transport: ", res)
	}
	s.Shell("rm /etc/postfix/transport* && postconf -X transport_maps")
	s.WriteFile("/etc/relayhost/relayhost.toml", "version = 1\n", 0o644)
	if res := a.l.Run("relayhost", "adopt", "--write", "--from", "app@example.com"); res.Code != 1 || !strings.Contains(res.Stderr, "--force") {
		t.Errorf("over a file: want exit code 1 and %q in stderr, got %s", "--force", res)
	}
	if res := a.l.Run("relayhost", "adopt", "--write", "--force"); res.Code != 0 || !strings.Contains(res.Stderr, "\nopen: from: ") {
		t.Errorf("without from: want exit code 0 and %q in stderr, got %s", "\nopen: from: ", res)
	}
	if res := a.l.Run("relayhost", "setup", "--yes"); res.Code != 64 || !strings.Contains(res.Stderr, "--from") {
		t.Errorf("setup without from: want exit code 64 and %q in stderr, got %s", "--from", res)
	}
	if res := a.l.Run("relayhost", "adopt", "--write", "--force", "--from", "app@example.com"); res.Code != 0 || !strings.Contains(res.Stderr, "next: relayhost setup --dry-run") {
		t.Errorf("--force: want exit code 0 and %q in stderr, got %s", "next: relayhost setup --dry-run", res)
	}
	if text := s.ReadFile("/etc/relayhost/relayhost.toml"); !strings.Contains(text, "from = \"app@example.com\"\n") {
		t.Errorf("--force wrote\n%s\nwant %q in it", text, "from = \"app@example.com\"\n")
	}
	if res := a.l.Run("relayhost", "status"); res.Code != 0 || !strings.Contains(res.Stdout, "not yet: relayhost setup applies") {
		t.Errorf("status: want exit code 0 and %q in stdout, got %s", "not yet: relayhost setup applies", res)
	}
	if res := a.l.Run("relayhost", "verify", "--no-send"); strings.Contains(res.Stdout, "relayhost-sendgrid") || strings.Contains(res.Stdout, "changed since setup") || !strings.Contains(res.Stdout, "accepts the stored credentials") {
		t.Errorf("verify: want %q in stdout and no %q or %q in stdout, got %s", "accepts the stored credentials", "relayhost-sendgrid", "changed since setup", res)
	}
	if res := a.l.Run("relayhost", "setup", "--yes"); res.Code != 0 {
		t.Errorf("setup: want exit code 0, got %s", res)
	}
	if res := a.l.Run("relayhost", "adopt"); res.Code != 1 || !strings.Contains(res.Stderr, "set this Postfix up already") {
		t.Errorf("over ours: want exit code 1 and %q in stderr, got %s", "set this Postfix up already", res)
	}
}
