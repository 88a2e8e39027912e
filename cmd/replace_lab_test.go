//go:build lab

package cmd_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
)

// TestLabReplaceMTA: a server with Exim gets Postfix in its place when that is
// said, and not before.
func TestLabReplaceMTA(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Cloud("aws"), lab.MailExchangers(), lab.Port25(lab.Reset), lab.NoPostfix(), lab.Packages("exim4-daemon-light"), lab.Relay("brevo"))
	l.Server.WriteFile("/etc/apt/apt.conf.d/99lab", fmt.Sprintf("Acquire::http::Proxy %q;\n", l.World.Registries()), 0o644)
	credentials(l, "brevo", "")
	l.Server.Install()
	setup := func(more ...string) lab.Result {
		args := []string{"relayhost", "setup", "--relay", "brevo", "--from", "app@example.com", "--credentials-file", "/root/credentials", "--install", "--yes"}
		return l.Server.Do(lab.Command{Args: append(args, more...), Timeout: 5 * time.Minute})
	}
	exim := func() string {
		return strings.TrimSpace(l.Server.Shell(`dpkg-query -W -f '${db:Status-Status}' exim4-daemon-light`))
	}
	if res := setup(); res.Code != 1 || !strings.Contains(res.Stderr, "Exim is installed") || !strings.Contains(res.Stderr, "--replace-mta") || exim() != "installed" {
		t.Fatalf("Exim is %s after %s, want %q", exim(), res, "installed")
	}
	res := setup("--replace-mta")
	if res.Code != 0 || !strings.Contains(res.Stdout, "delivered: the test message") {
		t.Fatalf("setup --replace-mta: want exit code 0 and %q in stdout, got %s", "delivered: the test message", res)
	}
	if got := exim(); got == "installed" {
		t.Errorf("Exim: got %q, want it removed", got)
	}
	waitMessages(t, l, "brevo", 2)
}
