//go:build lab

package lab_test

import (
	"strings"
	"testing"

	"relayhost/internal/lab"
)

func TestTrue(t *testing.T) {
	l := lab.New(t, lab.NoPostfix())
	if r := l.Run("true"); r.Code != 0 {
		t.Fatal(r)
	}
}

func TestPostfixDeliversLocally(t *testing.T) {
	l := lab.New(t, lab.Postfix())
	l.Server.SendMail("root@host.example.com", "root@host.example.com", "hello")
	l.Server.WaitLog(`status=sent \(delivered to mailbox\)`)
	if got := l.Server.ReadFile("/var/mail/root"); !strings.Contains(got, "\nhello\n") {
		t.Errorf("mailbox:\n%s", got)
	}
}
