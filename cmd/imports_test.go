package cmd_test

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// rank is who may import whom: only downwards, from a higher number to a lower
// one. Packages of one rank do not import each other; what neighbours need of
// each other is handed in by cmd.
var rank = map[string]int{
	"relayhost/cmd/relayhost":           10,
	"relayhost/cmd":                     9,
	"relayhost/internal/demo":           8,
	"relayhost/internal/evidence":       8,
	"relayhost/internal/setup":          7,
	"relayhost/internal/apply":          6,
	"relayhost/internal/adopt":          6,
	"relayhost/internal/verify":         6,
	"relayhost/internal/diff":           6,
	"relayhost/internal/install":        6,
	"relayhost/internal/flow":           6,
	"relayhost/internal/instance":       5,
	"relayhost/internal/explain":        5,
	"relayhost/internal/bridge":         4,
	"relayhost/internal/plan":           4,
	"relayhost/detect":                  3,
	"relayhost/internal/config":         3,
	"relayhost/internal/firewall":       2,
	"relayhost/internal/maillog":        3,
	"relayhost/internal/postfix":        2,
	"relayhost/internal/smtpprobe":      2,
	"relayhost/internal/resolve":        2,
	"relayhost/internal/smtpd":          2,
	"relayhost/internal/ui":             2,
	"relayhost/internal/host":           1,
	"relayhost/internal/secret":         0,
	"relayhost/internal/oauth":          1,
	"relayhost/internal/exposition":     0,
	"relayhost/internal/answers":        3,
	"relayhost/internal/ask":            8,
	"relayhost/internal/lint":           1,
	"relayhost/relays":                  0,
	"relayhost/templates":               0,
	"relayhost/internal/mailaddr":       -1,
	"relayhost/docs":                    -1, // one page, embedded
	"relayhost/internal/lazy":           -1,
	"relayhost/internal/plural":         -1,
	"relayhost/internal/tomlpos":        -1,
	"relayhost/internal/web":            7,
	"relayhost/cmd/web":                 8,
	"relayhost/internal":                -1, // the test of the language
	"relayhost/internal/bridge/api":     3,
	"relayhost/internal/bridge/conf":    2,
	"relayhost/internal/bridge/apitest": 0,
}

// only lists libraries that one package keeps to itself, with the reason.
var only = map[string]struct{ importer, why string }{
	"github.com/spf13/cobra":           {"relayhost/cmd", "only cmd knows the command line"},
	"github.com/AlecAivazis/survey/v2": {"relayhost/internal/ui", "prompts are behind one interface"},
	"github.com/miekg/dns":             {"relayhost/internal/resolve", "DNS is asked in one place"},
	"golang.org/x/oauth2":              {"relayhost/internal/oauth", "tokens are got in one place"},
}

// parts are what is taken of libraries that would bring much more along.
var parts = map[string][]string{
	"golang.org/x/oauth2":           {"golang.org/x/oauth2", "golang.org/x/oauth2/clientcredentials"},
	"github.com/aws/aws-sdk-go-v2/": {"github.com/aws/aws-sdk-go-v2/aws", "github.com/aws/aws-sdk-go-v2/aws/signer/v4"},
}

func TestImports(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "relayhost/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		from := words[0]
		if strings.HasPrefix(from, "relayhost/internal/lab") || strings.HasPrefix(from, "relayhost/.") {
			continue // tests and tools import what they like
		}
		mine, ok := rank[from]
		if !ok {
			t.Errorf("%s: got no place in the import table, want one", from)
			continue
		}
		for _, to := range words[1:] {
			checked++
			if rule, ok := only[to]; ok && from != rule.importer {
				t.Errorf("%s imports %s, want only %s to import it: %s", from, to, rule.importer, rule.why)
			}
			for library, wanted := range parts {
				if strings.HasPrefix(to, library) && !slices.Contains(wanted, to) {
					t.Errorf("%s imports %s: of %s only %v", from, to, library, wanted)
				}
			}
			if strings.HasPrefix(to, "relayhost/internal/lab") {
				t.Errorf("%s imports %s, want only tests to import it: the lab is for them", from, to)
			}
			if theirs, ok := rank[to]; ok && theirs >= mine {
				t.Errorf("%s imports %s, want imports downwards only", from, to)
			}
		}
	}
	if checked < 50 {
		t.Errorf("go list: got %d imports, want at least 50", checked)
	}
}

// pure are the packages that a page in a browser is built of: they look at nothing
// and reach nothing.
var pure = []string{"internal/bridge/conf", "internal/config", "internal/plan", "internal/lint", "internal/explain", "internal/diff", "internal/adopt", "relays", "templates"}

func TestPurePackagesBuildForTheBrowser(t *testing.T) {
	t.Parallel()
	args := []string{"list", "-deps", "-f", "{{.ImportPath}}"}
	for _, p := range pure {
		args = append(args, "relayhost/"+p)
	}
	run := func(args ...string) string {
		c := exec.CommandContext(t.Context(), "go", args...)
		c.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("go %v: want no error, got %v\n%s", args, err, out)
		}
		return string(out)
	}
	deps := strings.Fields(run(args...))
	for _, reaching := range []string{"net", "net/http", "crypto/tls", "os/exec"} {
		if slices.Contains(deps, reaching) {
			t.Errorf("the pure packages import %s, want none that reaches out", reaching)
		}
	}
	build := []string{"build", "-trimpath", "-gcflags", "all=-l"} // as the page's program, so that it is compiled once
	for _, p := range pure {
		build = append(build, "relayhost/"+p)
	}
	run(build...)
}
