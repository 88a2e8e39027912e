//go:build lab

package cmd_test

import (
	"slices"
	"strings"
	"testing"

	"relayhost/internal/lab"
)

// TestLabPostfixCannotStart: a Postfix that did not run before and may not listen on
// port 25 keeps setup from its end, and nobody is needed: everything is as before.
func TestLabPostfixCannotStart(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Cloud("aws"), lab.Relay("sendgrid"), lab.MailExchangers())
	credentials(l, "sendgrid", "")
	l.Server.Install()
	before := l.Server.Tree(mailConfig...)
	res := l.Run(append([]string{"setpriv", "--bounding-set", "-net_bind_service"}, setupArgs(five[1])...)...)
	if !slices.Contains([]int{1, 3}, res.Code) || !strings.Contains(res.Stderr, "this server: restored") {
		t.Errorf("want exit code 1 or 3 and restored, got %s\n%s", res, l.Server.MailLog())
	}
	if strings.Contains(res.Stderr, "needs you") || strings.Contains(res.Stderr, "rollback incomplete") {
		t.Errorf("it wants a person: %s", res.Stderr)
	}
	if d := before.Diff(l.Server.Tree(mailConfig...)); d != "" {
		t.Errorf("not as before: got\n%s\nwant none", d)
	}
	if res := l.Run("postfix", "status"); res.Code == 0 {
		t.Errorf("postfix status: want an exit code other than 0, got %s", res)
	}
	if res := l.Run(setupArgs(five[1])...); res.Code != 0 {
		t.Errorf("and with all capabilities: want exit code 0, got %s", res)
	}
}
