//go:build lab

package cmd_test

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
)

const serverCases = "testdata/servers"

// serverCase is another administrator's server, reduced to the lines that matter,
// and what has to become of its mail. server.sh beside it makes the server;
// mail.log is what its log said.
type serverCase struct {
	Source string `json:"source"` // where it was described, with a date
	Kind   string `json:"kind"`   // the mechanism that is tried
	What   string `json:"what"`   // what is special about this server
	Short  bool   `json:"short"`  // runs for its kind without LAB_FULL as well
	Note   string `json:"note"`

	Suite    lab.Suite `json:"suite"`
	Packages []string  `json:"packages"`
	Hostname string    `json:"hostname"`
	Hosts    []string  `json:"hosts"` // lines of /etc/hosts
	NoIPv6   bool      `json:"no_ipv6"`
	SRS      bool      `json:"srs"`
	// Socketmap has the answers of a daemon with tables at /run/tables.socket, by
	// "name key".
	Socketmap map[string]string `json:"socketmap"`
	Relay     *caseRelay        `json:"relay"`
	Receivers []caseReceiver    `json:"receivers"`

	Mail    []caseMail    `json:"mail"`
	Explain *caseExplain  `json:"explain"`
	Lines   []caseExplain `json:"lines"`
	// Look is what verify --offline says before anything is set up.
	Look   *caseStep  `json:"verify_before"`
	Adopt  *caseStep  `json:"adopt"`   // args of `adopt --write`
	DryRun *caseStep  `json:"dry_run"` // what the first setup answers to --dry-run
	Setups []caseStep `json:"setups"`  // one after the other; the last decides
	Verify *caseStep  `json:"verify"`  // nil: exit 0 where the setup was good
}

// caseExplain is what explain has to say: of mail.log, of Line, or with Host of
// this server's own log.
type caseExplain struct {
	Line  string `json:"line"`
	Host  bool   `json:"host"`
	First string `json:"first"` // expression for the ID of the first cause
	Words string `json:"words"` // expression for all that it prints
	Not   string `json:"not"`
}

// caseStep is one run of the program.
type caseStep struct {
	Args []string `json:"args"`
	// Exit are the codes that are right; nil is 0.
	Exit []int `json:"exit"`
	// Words must match what is printed. Refusal must where the code is not 0.
	Words   string `json:"words"`
	Refusal string `json:"refusal"`
	Not     string `json:"not"`
	NoFile  bool   `json:"no_file"` // no --credentials-file
}

func (c *serverCase) hostname() string {
	if c.Hostname == "" {
		return "srv.example.org"
	}
	return c.Hostname
}

// domains are those of every address in the case.
func (c *serverCase) domains() (list []string) {
	for _, m := range c.Mail {
		for _, a := range []string{m.From, m.To} {
			if _, domain, ok := strings.Cut(a, "@"); ok {
				list = append(list, domain)
			}
		}
	}
	return append(list, "example.org", "example.net", "example.com")
}

func (r *caseRelay) password() string {
	if r == nil || r.Password == "" {
		return markedPassword
	}
	return r.Password
}

func readServerCase(t *testing.T, name string) *serverCase {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(serverCases, name, "case.json"))
	if err != nil {
		t.Fatal(err)
	}
	c := new(serverCase)
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(c); err != nil {
		t.Fatalf("%s: case.json: want no error, got %v", name, err)
	}
	return c
}

// TestLabServers sets up a relay on servers as other people have them: mail that
// left before leaves after, by the same way unless that was the default one;
// the cause is named, no password is printed, and a rollback leaves no trace.
// Without LAB_FULL it takes one case of each kind.
func TestLabServers(t *testing.T) {
	t.Parallel()
	dirs, err := os.ReadDir(serverCases)
	if err != nil {
		t.Fatal(err)
	}
	runs := map[string]int{} // without LAB_FULL, by kind
	for _, d := range dirs {
		c := readServerCase(t, d.Name())
		if c.Source == "" || c.Kind == "" || c.What == "" {
			t.Errorf("%s: case.json: got source %q, kind %q and what %q, want all three", d.Name(), c.Source, c.Kind, c.What)
		}
		runs[c.Kind] += 0
		if c.Short {
			runs[c.Kind]++
		}
		if !fullTable() && !c.Short {
			continue
		}
		t.Run(d.Name(), func(t *testing.T) {
			t.Parallel()
			script, err := os.ReadFile(filepath.Join(serverCases, d.Name(), "server.sh"))
			if err != nil {
				t.Fatal(err)
			}
			log, err := os.ReadFile(filepath.Join(serverCases, d.Name(), "mail.log"))
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			r := &caseRun{T: t, c: c}
			defer func() { t.Logf("verdict: %s %s", r.verdict(), d.Name()) }()
			r.play(string(script), string(log))
		})
	}
	for kind, n := range runs {
		if n != 1 {
			t.Errorf("kind %q: %d cases are short, want 1", kind, n)
		}
	}
	if len(runs) < 30 {
		t.Errorf("got %d kinds, want at least 30", len(runs))
	}
}

// caseRun is one case that runs.
type caseRun struct {
	*testing.T
	c      *serverCase
	w      *serverWorld
	random bool // what arrives before is not known beforehand
	wrongs int  // mail is lost, a secret is shown, the server is not as it was
	partly int  // what is said is not right
}

func (r *caseRun) verdict() string {
	switch {
	case r.wrongs > 0:
		return "wrong"
	case r.partly > 0 || r.Failed():
		return "partly"
	}
	return "right"
}

// wrong is a fault that harms: lost mail, a printed secret, a server that is not as it was.
func (r *caseRun) wrong(format string, args ...any) {
	r.Helper()
	r.wrongs++
	r.Errorf(format, args...)
}

// poor is a fault in what is said.
func (r *caseRun) poor(format string, args ...any) {
	r.Helper()
	r.partly++
	r.Errorf(format, args...)
}

func (r *caseRun) play(script, log string) {
	r.w = newServerWorld(r.T, r.c)
	s := r.w.l.Server
	s.WriteFile("/root/server.sh", "set -e\n"+script, 0o755)
	// What the distribution's start script copies for chrooted services.
	s.Shell("/usr/lib/postfix/configure-instance.sh - >/dev/null 2>&1 || true")
	s.Shell("sh /root/server.sh")
	if !s.Exists("/root/credentials") {
		user := "user"
		if r.c.Relay != nil && r.c.Relay.User != "" {
			user = r.c.Relay.User
		}
		s.WriteFile("/root/credentials", "username="+user+"\npassword="+r.c.Relay.password()+"\n", 0o600)
	}
	s.Shell("touch -d '1 hour ago' /etc/postfix/*.cf; postfix start")
	tree := s.Tree(mailConfig...)

	before := r.w.arrivals(r.c.Mail, func(m caseMail) bool { return r.random || m.Before != "" })
	for i, m := range r.c.Mail {
		if before[i].At != m.Before && !r.random {
			r.wrong("case: before, %s -> %s: got %s, want %q\n%s", m.sender(), m.To, before[i], m.Before, tail(s.MailLog()))
		}
	}
	r.explain(log)
	if v := r.c.Look; v != nil {
		r.step("verify before", append([]string{"verify", "--offline"}, v.Args...), *v)
	}
	if a := r.c.Adopt; a != nil {
		r.step("adopt", append([]string{"adopt", "--write"}, a.Args...), *a)
	}
	good := r.setups(tree)
	after := r.w.arrivals(r.c.Mail, func(m caseMail) bool { return m.After != "" && (good || m.Before != "") })
	for i, m := range r.c.Mail {
		r.judge(m, before[i], after[i], good)
	}
	if good {
		r.verify()
	}
	if res := r.run("rollback", "--all", "--yes"); res.Code != 0 && good {
		r.wrong("rollback: %s", res)
	}
	if d := tree.Without("/etc/relayhost").Diff(s.Tree(mailConfig...).Without("/etc/relayhost")); d != "" {
		r.wrong("rollback left differences:\n%s", d)
	}
}

func (m caseMail) sender() string {
	switch {
	case m.From != "":
		return m.From
	case m.As != "":
		return m.As
	}
	return "root"
}

// judge compares how a message arrives after with what has to be.
func (r *caseRun) judge(m caseMail, before, after arrival, good bool) {
	r.Helper()
	what := fmt.Sprintf("after, %s -> %s", m.sender(), m.To)
	wants := strings.Split(m.After, "|")
	switch {
	case !good: // nothing was changed
		if before.At != "" && !before.same(after) {
			r.wrong("%s: got %s, want as before %s: setup has changed nothing", what, after, before)
		}
	case m.After == "" && before.At == "":
	case m.After == "" || slices.Contains(wants, "same") && before.same(after):
		if !before.same(after) {
			r.wrong("%s: got %s, want as before %s", what, after, before)
		}
	case !slices.Contains(wants, after.At):
		r.wrong("%s: got %s, want %s (before: %s)", what, after, m.After, before)
	case after.At == "relay" && r.c.Relay != nil && r.c.Relay.User != "" && (after.User != r.c.Relay.User || !after.TLS):
		r.wrong("%s: got %s, want the login %s over TLS", what, after, r.c.Relay.User)
	case before.At != "" && !slices.Equal(before.Via, after.Via):
		r.wrong("%s: got %s, want the filters %v", what, after, before.Via)
	}
	if good && m.Identity != "" && after.At != "" && after.Sender != m.Identity {
		r.wrong("%s: got the sender <%s>, want <%s>", what, after.Sender, m.Identity)
	}
}

// setups runs the setups of the case and reports whether the last one was good.
func (r *caseRun) setups(tree lab.Tree) bool {
	r.Helper()
	if d := r.c.DryRun; d != nil {
		r.step("setup --dry-run", r.setupArgs(r.c.Setups[0], "--dry-run"), *d)
	}
	good := false
	for _, step := range r.c.Setups {
		res := r.step("setup", r.setupArgs(step, "--yes"), step)
		if good = res.Code == 0; good {
			break
		}
		if d := tree.Without("/etc/relayhost").Diff(r.w.l.Server.Tree(mailConfig...).Without("/etc/relayhost")); d != "" {
			r.wrong("setup failed and left differences:\n%s", d)
		}
	}
	return good
}

func (r *caseRun) setupArgs(step caseStep, mode string) []string {
	args := append([]string{"setup"}, step.Args...)
	if !step.NoFile {
		args = append(args, "--credentials-file", "/root/credentials")
	}
	return append(args, mode)
}

// step runs the program once and holds it against what is wanted.
func (r *caseRun) step(what string, args []string, want caseStep) lab.Result {
	r.Helper()
	res := r.run(args...)
	exits := want.Exit
	if exits == nil {
		exits = []int{0}
	}
	said := res.Stdout + res.Stderr
	if !slices.Contains(exits, res.Code) {
		r.wrong("%s: exit code %d, want %v: %s", what, res.Code, exits, tail(said))
		return res
	}
	r.matches(what, said, want.Words, want.Not)
	if res.Code != 0 {
		r.matches(what, said, want.Refusal, "")
	}
	return res
}

// tail is the end of a long text: where the reason of a refusal is.
func tail(text string) string {
	const most = 1200
	return text[max(0, len(text)-most):]
}

func (r *caseRun) matches(what, said, want, not string) {
	r.Helper()
	if want != "" && !regexp.MustCompile("(?is)"+want).MatchString(said) && !regexp.MustCompile("(?is)"+want).MatchString(strings.Join(strings.Fields(said), " ")) {
		r.poor("%s does not say %q: %s", what, want, tail(said))
	}
	if not != "" {
		if m := regexp.MustCompile("(?i)" + not).FindString(said); m != "" {
			r.poor("%s says %q", what, m)
		}
	}
}

// run runs the program and looks for secrets in all that it prints.
func (r *caseRun) run(args ...string) lab.Result { return r.runInput("", args...) }

func (r *caseRun) runInput(stdin string, args ...string) lab.Result {
	r.Helper()
	res := r.w.l.Server.Do(lab.Command{Args: append([]string{"relayhost"}, args...), Stdin: stdin, Timeout: 100 * time.Second})
	user, password := "", r.c.Relay.password()
	if r.c.Relay != nil {
		user = r.c.Relay.User
	}
	for _, form := range []string{password,
		base64.StdEncoding.EncodeToString([]byte(password)), base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + password))} {
		if user != password && strings.Contains(res.Stdout+res.Stderr, form) {
			r.wrong("%v prints the password: %s", args, strings.ReplaceAll(res.String(), form, "<PASSWORD>"))
		}
	}
	return res
}

// explain asks for the cause of the fault that is in the log.
func (r *caseRun) explain(log string) {
	r.Helper()
	if e := r.c.Explain; e != nil {
		if e.Host {
			r.explained("explain of the server's log", *e, r.run("explain", "--json"))
		} else {
			r.explained("explain of mail.log", *e, r.runInput(log, "explain", "--json"))
		}
	} else if log != "" {
		r.runInput(log, "explain")
	}
	for _, e := range r.c.Lines {
		r.explained("explain of "+e.Line, e, r.runInput(e.Line+"\n", "explain", "--json"))
	}
}

func (r *caseRun) explained(what string, e caseExplain, res lab.Result) {
	r.Helper()
	var doc struct {
		Groups []struct {
			Cause struct {
				ID string `json:"id"`
			} `json:"cause"`
		} `json:"groups"`
	}
	if err := json.Unmarshal([]byte(res.Stdout), &doc); err != nil {
		r.poor("%s: %v: %s", what, err, res)
		return
	}
	first := ""
	if len(doc.Groups) > 0 {
		first = doc.Groups[0].Cause.ID
	}
	if e.First != "" && !regexp.MustCompile("^(?:"+e.First+")$").MatchString(first) {
		r.poor("%s: got the first cause %q, want %s", what, first, e.First)
	}
	r.matches(what, res.Stdout, e.Words, e.Not)
}

// verify has to agree with a setup that was good.
func (r *caseRun) verify() {
	r.Helper()
	want := caseStep{}
	if r.c.Verify != nil {
		want = *r.c.Verify
	}
	res := r.run(append([]string{"verify", "--no-send"}, want.Args...)...)
	exits := want.Exit
	if exits == nil {
		exits = []int{0}
	}
	if !slices.Contains(exits, res.Code) {
		r.poor("verify: exit code %d, want %v: %s", res.Code, exits, tail(res.Stdout+res.Stderr))
	}
	r.matches("verify", res.Stdout+res.Stderr, want.Words, want.Not)
}

func certificatePEM(c tls.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}))
}
