//go:build lab

package postfix_test

import (
	"strings"
	"sync"
	"testing"

	"relayhost/internal/lab"
)

// insideEnv is set for the tests of inside_lab_test.go, which run on the server.
const insideEnv = "POSTFIX_TEST_INSIDE"

// program is this package's tests, built once.
var program = sync.OnceValues(func() ([]byte, error) { return lab.TestProgram("relayhost/internal/postfix") })

// inside runs one of the tests of inside_lab_test.go on the server.
func inside(t *testing.T, s *lab.Server, uid uint32, name string) {
	t.Helper()
	const path = "/usr/local/bin/postfix.test"
	if !s.Exists(path) {
		data, err := program()
		if err != nil {
			t.Fatal(err)
		}
		s.WriteFile(path, string(data), 0o755)
	}
	r := s.Do(lab.Command{Args: []string{path, "-test.v", "-test.run", "^" + name + "$"}, Env: []string{insideEnv + "=1"}, UID: uid, GID: uid})
	if r.Code != 0 || !strings.Contains(r.Stdout, "--- PASS: "+name) {
		t.Fatalf("%s on the server: got %s, want success", name, r)
	}
	t.Log(r.Stdout)
}

// settings name two tables, and a destination that refuses connections.
const settings = "smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd\nsmtp_tls_policy_maps = texthash:/etc/postfix/policy\n" +
	"transport_maps = inline:{deferred.test=smtp:[127.0.0.1]:9}\n"

// configured is a server with settings that does not run Postfix yet.
func configured(t *testing.T, opts ...lab.Option) *lab.Server {
	t.Helper()
	s := lab.New(t, opts...).Server
	s.WriteFile("/etc/postfix/main.cf", s.ReadFile("/etc/postfix/main.cf")+settings, 0o644)
	s.WriteFile("/etc/postfix/sasl_passwd", "[a.test]:587 user:secret\n", 0o600)
	s.WriteFile("/etc/postfix/policy", "[a.test]:587 secure\n", 0o644)
	s.Shell("touch -d '1 hour ago' /etc/postfix/*; postmap hash:/etc/postfix/sasl_passwd")
	return s
}

func TestLabServer(t *testing.T) {
	t.Parallel()
	for _, suite := range suites() {
		t.Run(string(suite), func(t *testing.T) {
			s := configured(t, lab.On(suite))
			inside(t, s, 0, "TestInsideStopped")
			s.StartPostfix()
			inside(t, s, 0, "TestInsideRead")
			inside(t, s, 65534, "TestInsideReadAsNobody")
			inside(t, s, 0, "TestInsideUnusable")
			inside(t, s, 0, "TestInsideMail")
			inside(t, s, 0, "TestInsideTables")
			inside(t, s, 0, "TestInsideValidate")
		})
	}
}

func TestLabJournal(t *testing.T) {
	t.Parallel()
	s := configured(t, lab.Systemd())
	s.StartPostfix()
	inside(t, s, 0, "TestInsideMail")
}
