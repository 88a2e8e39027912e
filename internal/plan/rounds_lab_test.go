//go:build lab

package plan_test

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/relays"
)

// Every shape of main.cf is applied with the checks of a real Postfix, is
// unchanged on its own result, and goes back to its bytes.
func TestLabShapesThereAndBack(t *testing.T) {
	t.Parallel()
	for _, suite := range suites() {
		t.Run(string(suite), func(t *testing.T) { thereAndBack(t, suite) })
	}
}

func thereAndBack(t *testing.T, suite lab.Suite) {
	l := lab.New(t, lab.On(suite), lab.RelayAt([]string{"smtp.corp.test"}, []relays.Port{{Port: 587, TLS: relays.StartTLS}}))
	s := l.Server
	for _, name := range []string{"sasl_passwd", "more", "by_sender", "relay_domains", "tls_per_site", "tls_policy", "transport", "vmailbox", "virtual", "generic"} {
		s.WriteFile("/etc/postfix/"+name, "[other.test]:25 a:b\n", 0o600)
		s.Shell("postmap hash:/etc/postfix/" + name)
	}
	for _, name := range []string{"transport.re", "canonical", "dsn"} {
		s.WriteFile("/etc/postfix/"+name, "/^never$/ never\n", 0o644)
	}
	step := 1
	if os.Getenv("LAB_FULL") == "" {
		step = 9 // each how-to and each shape at least once
	}
	a := answersTo(l.World.Relay(relays.SmarthostID), 587, relays.StartTLS)
	var texts, names []string
	// What this very Debian installs.
	for _, path := range strings.Fields(s.Shell("ls /etc/postfix/main.cf* /usr/share/postfix/main.cf*")) {
		if text := s.ReadFile(path); !strings.Contains(text, "\nsetgid_group =\n") { // no template
			texts, names = append(texts, text), append(names, path)
		}
	}
	n := 0
	for _, name := range slices.Sorted(maps.Keys(howTos)) {
		// This Debian has neither postfix-pcre nor postfix-lmdb.
		howTo := strings.NewReplacer("pcre:", "regexp:", "lmdb:", "hash:").Replace(howTos[name])
		for _, shape := range slices.Sorted(maps.Keys(shapes)) {
			if n++; n%step == 0 {
				names = append(names, name+"/"+shape)
				texts = append(texts, shapes[shape]("myhostname = host.example.com\n"+howTo+"mynetworks = 127.0.0.0/8\n"))
			}
		}
	}
	if len(texts) < 200/step {
		t.Errorf("only %d texts, want at least %d", len(texts), 200/step)
	}
	goRounds(t, s, a, texts, names)
}

// The other ways to a relay pass the checks as well.
func TestLabWaysThereAndBack(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.RelayAt([]string{"smtp.corp.test"}, []relays.Port{{Port: 587, TLS: relays.StartTLS}}))
	text := []string{l.Server.ReadFile(mainPath)}
	for name, change := range map[string]answers{
		"by address": {"Username": "", "Password": ""}, "pinned": {"Pin": strings.Repeat("ab", 32)}, "not verified": {"NoVerify": true},
		"implicit TLS": {"Port": 465, "TLS": relays.Implicit}, "many connections": {"Connections": 200}, "direct": {"Direct": []string{"corp.test"}},
	} {
		a := answersTo(l.World.Relay(relays.SmarthostID), 587, relays.StartTLS)
		maps.Copy(a, change)
		goRounds(t, l.Server, a, text, []string{name})
	}
}

// So do routes, fallbacks and accounts by sender, with the checks of the staged
// result on every one of their tables.
func TestLabRoutesThereAndBack(t *testing.T) {
	t.Parallel()
	for _, suite := range suites() {
		t.Run(string(suite), func(t *testing.T) {
			l := lab.New(t, lab.On(suite), lab.Relay("ses"), lab.Relay("postmark"), lab.Relay("sendgrid"), lab.Relay("mailgun"))
			relay, text := l.World.Relay, l.Server.ReadFile(mainPath)
			for _, c := range routesCases {
				a := c.setUp(relay("ses"), relay("postmark"), relay("sendgrid"), relay("mailgun"))
				a["Fallback"] = []any{hopTo(relay("sendgrid"), 587)}
				goRounds(t, l.Server, a, []string{text}, []string{c.name})
			}
		})
	}
}

// goRounds has onserver apply and roll back each text.
func goRounds(t *testing.T, s *lab.Server, a answers, texts, names []string) {
	t.Helper()
	a["Rounds"] = texts
	program, err := onserver()
	if err != nil {
		t.Fatal(err)
	}
	s.WriteFile("/root/onserver", string(program), 0o755)
	input, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	r := s.Do(lab.Command{Args: []string{"/root/onserver", "rounds"}, Stdin: string(input), Timeout: 10 * time.Minute})
	for line := range strings.Lines(r.Stdout) {
		number, problem, _ := strings.Cut(line, ": ")
		if i, err := strconv.Atoi(number); err == nil {
			t.Errorf("%s: got the problem %s, want none", names[i], strings.TrimSpace(problem))
		}
	}
	if !strings.HasSuffix(r.Stdout, "done "+strconv.Itoa(len(texts))+"\n") {
		t.Errorf("%d texts: got %s, want %q as the last line of stdout", len(texts), r, "done "+strconv.Itoa(len(texts)))
	}
	t.Logf("%d texts in %v", len(texts), r.Took)
}
