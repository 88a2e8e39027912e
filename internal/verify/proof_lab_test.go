//go:build lab

package verify_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
	"relayhost/internal/verify"
	"relayhost/relays"
)

// prove is the program under testdata, static, so that it runs on any server.
var prove = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "relayhost-prove-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	out := filepath.Join(dir, "prove")
	cmd := exec.Command("go", "build", "-o", out, "./testdata/prove")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		return string(said), err
	}
	data, err := os.ReadFile(out)
	return string(data), err
})

type proof struct {
	Kind, Error, Cause string
	Took               float64
	Delivery           verify.Delivery
}

const mailLog = "/var/log/mail.log"

// proofLab is a server whose Postfix sends to a relay without a login, with
// one message of somebody else's waiting on hold.
func proofLab(t *testing.T, opts ...lab.Option) *lab.Lab {
	t.Helper()
	binary, err := prove()
	if err != nil {
		t.Fatalf("go build of testdata/prove: got %v, want no error\n%s", err, binary)
	}
	ports := []relays.Port{{Port: 587, TLS: relays.StartTLS}, {Port: 2525, TLS: relays.StartTLS}}
	l := lab.New(t, append([]lab.Option{lab.Postfix(),
		lab.RelayAt([]string{"relay.example.com"}, ports, func(c *smtpd.Config) { c.NoAuth = true }),
	}, opts...)...)
	l.Server.WriteFile("/usr/local/bin/prove", binary, 0o755)
	l.Server.Shell(`postconf -M 'relayhost-x/unix=relayhost-x unix - - n - - smtp -o syslog_name=postfix/relayhost-x'
postconf -e default_transport=relayhost-x 'relayhost=[relay.example.com]:587' smtp_tls_security_level=may
postfix reload
printf 'Subject: not ours\n\nhello\n' | sendmail -f other@example.com other@example.net`)
	l.Server.WaitLog(`status=sent`)
	l.Server.Shell(`postconf -e 'defer_transports=relayhost-x' && postfix reload
printf 'Subject: waits\n\nhello\n' | sendmail -f other@example.com other@example.net`)
	l.Server.WaitLog(`status=deferred \(deferred transport\)`)
	l.Server.Shell(`postsuper -h ALL; postconf -e defer_transports= && postfix reload`)
	return l
}

// run proves and checks that the queue is as before: the other's message alone.
func run(t *testing.T, l *lab.Lab, args ...string) proof {
	t.Helper()
	res := l.Server.Run(append([]string{"/usr/local/bin/prove"}, args...)...)
	var p proof
	if err := json.Unmarshal([]byte(res.Stdout), &p); err != nil {
		t.Fatalf("prove %q: got %v, want a JSON document\n%s", args, err, res)
	}
	queue := strings.TrimSpace(l.Server.Queue())
	if strings.Count(queue, "\n") != 0 || !strings.Contains(queue, "other@example.net") {
		t.Errorf("queue after the proof: got\n%s\nwant %q in it", queue, "other@example.net")
	}
	return p
}

func TestLabProof(t *testing.T) {
	t.Parallel()
	l := proofLab(t)
	relay := l.World.Relay(relays.SmarthostID)
	log := "-log=" + mailLog

	before := len(relay.Mailbox())
	p := run(t, l, log)
	if p.Kind != "" || p.Delivery.Status != "sent" || p.Delivery.RemoteID == "" || p.Delivery.Relay == "" || p.Took > 5 {
		t.Fatalf("a sound relay: got %+v, want no kind of error, status %q, a relay and its message ID, in at most 5 s", p, "sent")
	}
	mailbox := relay.Mailbox()
	if len(mailbox) != before+1 || !strings.Contains(string(mailbox[before].Data), p.Delivery.MessageID) || !strings.Contains(mailbox[before].Reply, p.Delivery.RemoteID) {
		t.Errorf("a sound relay: got %d messages and %+v, want one message with the message ID, and a reply with the remote ID",
			len(mailbox)-before, p.Delivery)
	}

	l.Server.Shell("postconf -e enable_long_queue_ids=yes && postfix reload")
	if p = run(t, l, log); p.Kind != "" || len(p.Delivery.QueueID) < 12 {
		t.Errorf("with long queue IDs: got %+v, want no kind of error and a queue ID of at least 12 characters", p)
	}
	if p = run(t, l, log, "-port=2525"); p.Kind != "elsewhere" || p.Cause != "override_elsewhere" {
		t.Errorf("with -port=2525: got %+v, want kind %q and cause %q", p, "elsewhere", "override_elsewhere")
	}
	if p = run(t, l, log, "-service=relayhost-y"); p.Kind != "elsewhere" {
		t.Errorf("with -service=relayhost-y: got %+v, want kind %q", p, "elsewhere")
	}
	if p = run(t, l, log, "-to=root@host.example.com"); p.Kind != "elsewhere" || p.Delivery.Relay != "local" {
		t.Errorf("to root@host.example.com: got %+v, want kind %q and relay %q", p, "elsewhere", "local")
	}

	for name, tt := range map[string]struct {
		reply       smtpd.Reply
		cause, dsn  string
		status      string
		wantInReply string
	}{
		"later":  {smtpd.Reply{Code: 451, Enhanced: "4.7.1", Text: "Too many messages, slow down"}, "throttled_454", "4.7.1", "deferred", "slow down"},
		"refuse": {smtpd.Reply{Code: 554, Enhanced: "5.7.1", Text: "<to@example.net>: Relay access denied"}, "relay_access_denied", "5.7.1", "bounced", "denied"},
	} {
		t.Run(name, func(t *testing.T) {
			relay.Configure(func(c *smtpd.Config) { c.Message = func(smtpd.Envelope) *smtpd.Reply { return &tt.reply } })
			p := run(t, l, log)
			if p.Kind != "refused" || p.Cause != tt.cause || p.Delivery.Status != tt.status || p.Delivery.DSN != tt.dsn || !strings.Contains(p.Delivery.Reply, tt.wantInReply) {
				t.Errorf("the relay replies %d: got %+v, want kind %q, cause %q, status %q, DSN %q and %q in the reply",
					tt.reply.Code, p, "refused", tt.cause, tt.status, tt.dsn, tt.wantInReply)
			}
		})
	}
	var tries atomic.Int32
	relay.Configure(func(c *smtpd.Config) {
		c.Message = func(smtpd.Envelope) *smtpd.Reply {
			if tries.Add(1) == 1 {
				return &smtpd.Reply{Code: 454, Enhanced: "4.7.0", Text: "Temporary authentication failure"}
			}
			return nil
		}
	})
	if p = run(t, l, log, "-patience=10s"); p.Kind != "" || tries.Load() != 2 {
		t.Errorf("later, and then yes: %+v after %d tries, want 2", p, tries.Load())
	}
	relay.Configure(func(c *smtpd.Config) {
		c.Message = func(smtpd.Envelope) *smtpd.Reply {
			return &smtpd.Reply{Code: 554, Enhanced: "5.7.1", Text: "Relay access denied"}
		}
	})
	if p = run(t, l); p.Kind != "unproven" && p.Kind != "refused" {
		t.Errorf("bounced, without a log: got %+v, want kind %q or %q", p, "unproven", "refused")
	}
	relay.Configure(func(c *smtpd.Config) { c.Message = nil })
	if p = run(t, l); p.Kind != "unproven" || p.Cause != "no_log" {
		t.Errorf("delivered, without a log: got %+v, want kind %q and cause %q", p, "unproven", "no_log")
	}

	l.Server.Shell("postconf -P relayhost-x/unix/smtp_tls_security_level=bogus && postfix reload")
	p = run(t, l, log)
	if p.Kind != "throttled" || p.Cause != "smtp_fatal_level" || p.Took > 10 {
		t.Errorf("a service that dies: got %+v, want kind %q and cause %q in at most 10 s", p, "throttled", "smtp_fatal_level")
	}
	l.Server.Shell("postfix stop")
	if p = run(t, l, log, "-timeout=2s"); p.Kind != "no_trace" || p.Cause != "postfix_down" {
		t.Errorf("Postfix is down: got %+v, want kind %q and cause %q", p, "no_trace", "postfix_down")
	}
	if left := l.Server.Shell("find /var/spool/postfix/maildrop -type f"); left != "" {
		t.Errorf("left in maildrop: got %s, want none", left)
	}
}
