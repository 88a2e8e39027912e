//go:build lab

package cmd_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"relayhost/detect"
	"relayhost/internal/lab"
	"relayhost/relays"
)

// scene is a run of command lines of a document, on a server of its own.
type scene struct {
	name, cloud, relay string
	smarthost          string // host name of a relay of one's own, on 587
	api                string // relay whose API is all that gets out
	catalogue          string // the last TOML block above: saved as corp.toml
	blocks             []fence
}

// scenes are the blocks of a document that are marked as sh, by the server
// that the nearest "<!-- lab: ... -->" asks for.
func scenes(t *testing.T, path string) (list []scene) {
	last, catalogue := "", ""
	for _, f := range fences(t, path) {
		if f.lang == "toml" {
			catalogue = f.text
		}
		if f.lang != "sh" {
			continue
		}
		if key := f.lab; len(list) == 0 || key != last {
			s := scene{name: strings.TrimSuffix(filepath.Base(path), ".md") + "/" + f.heading, catalogue: catalogue}
			for word := range strings.FieldsSeq(f.lab) {
				key, value, _ := strings.Cut(word, "=")
				switch key {
				case "cloud":
					s.cloud = value
				case "relay":
					s.relay = value
				case "smarthost":
					s.smarthost = value
				case "api":
					s.api = value
				default:
					t.Errorf("%s:%d: got %q, want cloud=, relay=, smarthost= or api=", path, f.line, word)
				}
			}
			list, last = append(list, s), key
		}
		list[len(list)-1].blocks = append(list[len(list)-1].blocks, f)
	}
	return list
}

// TestLabDocuments executes every command line of the documents that is marked
// as sh, in order, on a server of the provider that the section is about, with
// the ports closed that this provider closes. Of sections that differ in the relay alone
// one is executed (with LAB_FULL all): TestLabCatalogue sets each relay up.
func TestLabDocuments(t *testing.T) {
	t.Parallel()
	commands := 0
	played := map[string]bool{}
	for _, path := range documents(t) {
		for _, s := range scenes(t, path) {
			for _, f := range s.blocks {
				commands += strings.Count(f.text, "\n")
			}
			if s.api != "" && s.cloud != "" && !fullTable() {
				continue // TestLabSetupHTTPS
			}
			if shape := s.shape(); s.cloud == "" && !fullTable() {
				if played[shape] {
					continue
				}
				played[shape] = true
			}
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				s.play(t)
			})
		}
	}
	if commands < 60 {
		t.Errorf("got %d lines executed, want at least 60", commands)
	}
}

// shape is what a scene executes, whichever relay it is about.
func (s scene) shape() string {
	text := s.smarthost + s.catalogue
	for _, f := range s.blocks {
		text += f.text
	}
	if s.relay == "" {
		return text
	}
	text = strings.ReplaceAll(text, "--relay "+s.relay+" ", "--relay RELAY ")
	return strings.ReplaceAll(text, " "+s.relay+".txt", " RELAY.txt")
}

func (s scene) play(t *testing.T) {
	opts := []lab.Option{lab.Postfix(), lab.MailExchangers()}
	if s.cloud != "" {
		opts = append(opts, lab.Cloud(s.cloud))
		entry, ok := detect.HostByID(s.cloud)
		if !ok {
			t.Fatalf("got no provider %q, want one that detect knows", s.cloud)
		}
		for _, port := range entry.Policy.Blocked {
			opts = append(opts, lab.Port(port, lab.Dropped, lab.Both))
		}
	} else {
		opts = append(opts, lab.Port25(lab.Reset))
	}
	if s.relay != "" {
		opts = append(opts, lab.Relay(s.relay))
	}
	if s.api != "" {
		opts = append(append(opts, noPorts()...), lab.API(s.api, apiOf(t, s.api).host), lab.Systemd())
	}
	if s.smarthost != "" {
		opts = append(opts, lab.RelayAt([]string{s.smarthost}, []relays.Port{{Port: 587, TLS: relays.StartTLS}}))
	}
	l := lab.New(t, opts...)
	l.Server.Install()
	l.Server.WriteFile("/root/corp.toml", s.catalogue, 0o644)
	l.Server.WriteFile("/usr/local/bin/sudo", "#!/bin/sh\nexec \"$@\"\n", 0o755)
	l.Server.WriteFile("/root/credentials.txt", "username=the user name\npassword=the password\n", 0o644)
	l.Server.Shell("mkdir -p /etc/cron.d")
	if s.relay != "" {
		credentials(l, s.relay, s.hostOf(t))
		l.Server.Shell(fmt.Sprintf("cp -p credentials %s.txt", s.relay))
	}
	if s.api == "oci" {
		ociKey(l)
	}
	if s.api != "" {
		l.Server.WriteFile("/root/"+s.api+".txt", apiOf(t, s.api).credentials, 0o600)
	}
	for _, f := range s.blocks {
		env := []string{}
		if s.relay != "" {
			r := l.World.Relay(s.relay)
			env = append(env, "KEY="+r.Username, "SECRET="+r.Password)
		}
		res := l.Server.Do(lab.Command{Args: []string{"sh", "-ec", f.text}, Env: env})
		if res.Code != 0 {
			t.Fatalf("line %d: want exit code 0 of\n%sgot %s\n%s", f.line, f.text, res, l.Server.MailLog())
		}
		if os.Getenv("DOCS_SHOW") != "" {
			t.Logf("%s\n%s", f.text, res)
		}
	}
	if s.api != "" && len(l.World.API(s.api).Got()) < 2 {
		t.Errorf("got %d messages at the API, want at least 2", len(l.World.API(s.api).Got()))
	}
	if s.relay != "" && len(l.World.Relay(s.relay).Mailbox()) < 2 {
		t.Errorf("got %d messages at the relay, want at least 2", len(l.World.Relay(s.relay).Mailbox()))
	}
}

// hostOf is the host whose region the password of SES is made for.
func (s scene) hostOf(t *testing.T) string {
	r, err := relays.Get(s.relay)
	if err != nil {
		t.Fatal(err)
	}
	host, err := r.Host(r.Hosts.Example)
	if err != nil {
		return ""
	}
	return host
}

// TestLabReadmeTry is the first thing that the README asks for, on a minimal
// Debian: demo --install. "go run" of it is what this lab does with every test.
func TestLabReadmeTry(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.NoPostfix())
	l.Server.WriteFile("/etc/apt/apt.conf.d/99lab", fmt.Sprintf("Acquire::http::Proxy %q;\n", l.World.Registries()), 0o644)
	l.Server.Install()
	res := l.Server.Do(lab.Command{Args: []string{"relayhost", "demo", "--install"}, Timeout: 5 * time.Minute})
	if res.Code != 0 || !strings.Contains(res.Stdout, "byte for byte") || !strings.HasSuffix(res.Stdout, "\nSet up this server: sudo relayhost setup\n") {
		t.Errorf("demo --install: got %s, want every file restored and the next command at the end", res)
	}
	if got := strings.TrimSpace(l.Server.Shell("postconf -h inet_interfaces")); got != "loopback-only" {
		t.Errorf("the new Postfix: got inet_interfaces = %s, want %s", got, "loopback-only")
	}
	if res := l.Run("postfix", "status"); res.Code == 0 {
		t.Errorf("the new Postfix, postfix status: want an exit code other than 0, got %s", res)
	}
}

// TestLabReadmeInstall builds from a copy of the source and installs as the
// README says, into a /usr/local/bin that only this test sees.
func TestLabReadmeInstall(t *testing.T) {
	t.Parallel()
	var block string
	for _, f := range fences(t, "../README.md") {
		if strings.Contains(f.tag, t.Name()) {
			block = f.text
		}
	}
	dir := t.TempDir()
	for _, name := range []string{"cmd", "detect", "internal", "relays", "templates"} {
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS("../"+name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"Makefile", "go.mod", "go.sum"} {
		data, err := os.ReadFile("../" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "unshare", "--mount", "sh", "-ec", "mount -t tmpfs none /usr/local/bin\n"+block+"relayhost version")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "PATH=/usr/local/bin:"+os.Getenv("PATH"), "VERSION=from-the-readme")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "relayhost from-the-readme") {
		t.Errorf("want no error and %q, got %v:\n%s", "relayhost from-the-readme", err, out)
	}
}

// what differs from run to run in a session.
var (
	changeID = regexp.MustCompile(`change \d{8}-\d{6}-\d+`)
	duration = regexp.MustCompile(` \(\d+\.\d s\)$`)
	address  = regexp.MustCompile(`\.amazonaws\.com\[[0-9a-f.:]+\]:`)
	answers  = regexp.MustCompile(`\b\d+ (mail services|connections)\b`)

	wrappedTime = regexp.MustCompile(`(?m)^(  .{58,})\n ( (?:[a-z]+ )?(?:\(\d+\.\d )?s\)$)`)
)

func sameEachRun(line string) string {
	line = answers.ReplaceAllString(address.ReplaceAllString(line, ".amazonaws.com[address]:"), "N $1")
	return strings.TrimRight(duration.ReplaceAllString(changeID.ReplaceAllString(line, "change ID"), ""), " ")
}

// TestLabReadmeSession holds the README's session against a real one, line by line,
// with nothing left out. With -update the README gets the session.
func TestLabReadmeSession(t *testing.T) {
	t.Parallel()
	var session []string
	for _, f := range fences(t, "../README.md") {
		if f.lang == "console" {
			session = strings.Split(strings.TrimRight(f.text, "\n"), "\n")
		}
	}
	if len(session) < 10 {
		t.Fatalf("the session of the README: got %d lines, want at least 10: %q", len(session), session)
	}
	l := newLab(t, lab.Port25(lab.Dropped), lab.Relay("ses"))
	credentials(l, "ses", "email-smtp.eu-west-1.amazonaws.com")
	l.Server.Shell("mv credentials ses.txt")
	l.Server.WriteFile("/usr/local/bin/sudo", "#!/bin/sh\nexec \"$@\"\n", 0o755)
	p := sit(t, l, 80, false, words(strings.TrimPrefix(session[0], "$ "))...)
	p.sees("? Send a test message to")
	p.term.Type("\r")
	p.sees("? Apply this?")
	p.term.Type("y\r")
	p.ends(0)
	// A step's time may have made it wrap.
	text, _, _ := strings.Cut(wrappedTime.ReplaceAllString(p.screen.String(), "$1$2"), "ended: ")
	text = strings.Trim(text, "\n")
	if *update {
		readme, err := os.ReadFile("../README.md")
		if err != nil {
			t.Fatal(err)
		}
		before, rest, _ := strings.Cut(string(readme), "```console\n")
		_, after, _ := strings.Cut(rest, "\n```\n")
		whole := before + "```console\n" + session[0] + "\n" + text + "\n```\n" + after
		if err := os.WriteFile("../README.md", []byte(whole), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	shown := strings.Split(text, "\n")
	for i, want := range session[1:] {
		if i >= len(shown) || sameEachRun(shown[i]) != sameEachRun(want) {
			t.Fatalf("line %d of the session in the README: want %q, got\n%s", i+1, want, text)
		}
	}
	if len(shown) != len(session)-1 {
		t.Errorf("got %d lines after the first, want the %d of the README:\n%s", len(shown), len(session)-1, text)
	}
}
