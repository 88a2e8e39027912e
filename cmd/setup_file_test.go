package cmd

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"relayhost/internal/config"
	"relayhost/internal/host"
	"relayhost/internal/ui"
)

// look runs setup, without a change, on a host that has nothing but a
// relayhost.toml. It returns standard output.
func look(t testing.TB, file string, args ...string) (string, error) {
	t.Helper()
	root := t.TempDir()
	for path, text := range map[string]string{config.Path: file, "/etc/resolv.conf": "nameserver 127.0.0.1\n",
		"/etc/ssl/certs/ca-certificates.crt": "x"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, path)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, path), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var out, said bytes.Buffer
	a := &app{
		io:      &ui.Streams{In: strings.NewReader(""), Out: &out, Err: &said},
		host:    &host.Host{Reader: host.Reader{Root: root, Path: root}},
		timeout: time.Minute,
	}
	cmd := newSetupCmd(a)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(append(args, "--no-probe"))
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

// lookAtRoutes has the default relay on a port that is given.
const lookAtRoutes = `version = 1
relay = "sendgrid"
port = 587
from = "app@example.com"

[[route]]
name = "shop"
senders = ["shop.example"]
relay = "postmark"
port = 587
`

// A file that nothing can be made of is told with line, and what would help.
func TestMistakesInTheFile(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"loose": 0o644, "good": 0o600, "ses": 0o600} {
		text := "username=u\npassword=p\n"
		if name == "ses" {
			text = "username=u\nsecret_access_key=" + strings.Repeat("k", 40) + "\n"
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name, add string
		code      int
		says      string
		hint      string
	}{
		{"unknown key", "smtp = 1\n", exitUsage, ":11: unknown key route.smtp", ""},
		{"sender in two routes", "[[route]]\nname = \"b\"\nsenders = [\"shop.example\"]\nrelay = \"brevo\"\n", exitUsage, ":13: sender shop.example", ""},
		{"unknown relay", "[[route.fallback]]\nrelay = \"sengrid\"\n", exitUsage, ":12: ", "relayhost relays"},
		{"unknown region", "[[route.fallback]]\nrelay = \"ses\"\nregion = \"eu west\"\n", exitUsage, ":13: ", ""},
		{"TLS modes", "[[route.fallback]]\nrelay = \"brevo\"\nport = 465\n", exitUsage, ":13: port 465", "587 and 2525"},
		{"credentials that others can read", "credentials_file = \"" + dir + "/loose\"\n", exitFailed, ":11: " + dir + "/loose is readable by other users", "chmod 600"},
		{"no credentials file", "credentials_file = \"" + dir + "/none\"\n", exitFailed, ":11: open " + dir + "/none", ""},
		{"a key of another service", "credentials_file = \"" + dir + "/ses\"\n", exitUsage, ":11: route shop: secret_access_key is for Amazon SES", "password="},
		{"no port", "[[route.fallback]]\nrelay = \"brevo\"\n", exitUsage, ":12: route shop, fallback 1 names no port", "--no-probe"},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, err := look(t, lookAtRoutes+test.add, "--dry-run")
			if exitCode(err) != test.code || err == nil || !strings.Contains(err.Error(), config.Path+test.says) {
				t.Errorf("got exit code %d and the error %v, want %d and %q in it", exitCode(err), err, test.code, config.Path+test.says)
			}
			if got := strings.Join(hints(err), "; "); !strings.Contains(got, test.hint) || test.hint == "" && got != "" {
				t.Errorf("got the hint %q, want %q in it, and no hint if that is empty", got, test.hint)
			}
			if out != "" {
				t.Errorf("something was printed: got\n%s\nwant none", out)
			}
		})
	}
	_, err := look(t, lookAtRoutes, "--dry-run", "--relay", "ses", "--region", "eu-west-1", "--port", "587")
	if err != nil {
		t.Errorf("another default relay: want no error, got %v", err)
	}
	const none = "--no-probe cannot choose a port"
	if _, err := look(t, strings.Replace(lookAtRoutes, "port = 587\n", "", 1), "--dry-run"); exitCode(err) != exitUsage || !strings.Contains(err.Error(), none) {
		t.Errorf("no port of the first hop: got exit code %d and the error %v, want %d and %q", exitCode(err), err, exitUsage, none)
	}
}

// --print-config writes what flags and file mean together, and the file as it was written
// where the flags change nothing.
func TestPrintConfig(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want []string
	}{
		{"the file alone", nil, []string{lookAtRoutes}},
		{"another sender", []string{"--from", "ops@example.com"}, []string{"from = 'ops@example.com'", "relay = \"sendgrid\"\nport = 587", "[[route]]\nname = \"shop\""}},
		{"another relay", []string{"--relay", "brevo", "--port", "2525"}, []string{"relay = 'brevo'", "port = 2525", "name = \"shop\""}},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, err := look(t, lookAtRoutes, append(test.args, "--print-config")...)
			if err != nil {
				t.Errorf("want no error, got %v", err)
			}
			for _, want := range test.want {
				if !strings.Contains(out, want) {
					t.Errorf("want %q in\n%s", want, out)
				}
			}
			if again, err := look(t, out, "--print-config"); err != nil || again != out {
				t.Errorf("printed again it is another: got %v\n%s, want %s", err, again, out)
			}
		})
	}
}

// manyRoutes is a file of n routes by four services, with an account at each.
func manyRoutes(t testing.TB, n int) string {
	t.Helper()
	account := filepath.Join(t.TempDir(), "account")
	if err := os.WriteFile(account, []byte("username=u@example.com\npassword="+strings.Repeat("p", 36)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "version = 1\nrelay = \"ovh\"\nport = 587\nfrom = \"app@example.com\"\ncredentials_file = %q\n", account)
	for i := range n {
		relay := []string{"mailgun", "smtp2go", "elasticemail", "mailjet"}[i%4]
		fmt.Fprintf(&b, "\n[[route]]\nname = \"r%05d\"\nsenders = [\"d%05d.example\"]\nrelay = \"%s\"\nport = 587\ncredentials_file = %q\n", i, i, relay, account)
	}
	return b.String()
}

// Looking at many routes costs what each of them costs: counted in allocations,
// since the clock of a busy machine proves nothing. TestBenchDryRunRoutes has
// the seconds.
func TestManyRoutes(t *testing.T) {
	cost := map[int]float64{}
	for _, n := range []int{500, 5000} {
		file := manyRoutes(t, n)
		cost[n] = testing.AllocsPerRun(1, func() {
			out, err := look(t, file, "--dry-run")
			if got := strings.Count(out, "\n+@d"); err != nil || got != n {
				t.Errorf("got %d entries and the error %v, want %d and no error", got, err, n)
			}
		})
	}
	if cost[5000] > 12*cost[500] {
		t.Errorf("got the costs %v, want that of 5000 to be 12 times that of 500 at most", cost)
	}
}

func BenchmarkDryRunOfRoutes(b *testing.B) {
	for _, n := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			file := manyRoutes(b, n)
			for b.Loop() {
				if _, err := look(b, file, "--dry-run"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
