package setup

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"relayhost/internal/apply"
	"relayhost/internal/lab/claimtest"
	"relayhost/internal/plan"
	"relayhost/internal/verify"
)

// setAt is when the server of soundStatus was set up.
var setAt = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func soundStatus() Status {
	at := setAt
	return Status{Postfix: "3.7.11", Running: true, Configured: true, Relay: "mailjet", NextHop: "[in-v3.mailjet.com]:587", Service: "relayhost-mailjet",
		ChangeID: "20261128-120000-1", ChangedAt: &at, Drift: []apply.DriftItem{{Path: "/etc/postfix/main.cf", State: apply.DriftNone}},
		Verified: &LastVerification{Time: at.Add(time.Hour), Result: verify.Pass}}
}

// change makes another server of the sound one.
type change func(*Status)

// statusClaim is a text that status prints of a server.
type statusClaim struct {
	text  string
	holds change
	fails []change
}

func statusClaims() []statusClaim {
	none := func(*Status) {}
	drift := func(state apply.Drift) change {
		return func(s *Status) {
			s.Drift = []apply.DriftItem{{Path: "/etc/postfix/main.cf", State: state}}
		}
	}
	unknown := func(what string) change {
		return func(s *Status) { s.Unknown = map[string]string{what: "permission denied"} }
	}
	fresh := func(s *Status) { *s = Status{Postfix: "3.7.11", Running: true, Service: "smtp"} }
	absent := func(s *Status) { *s = Status{} }
	return []statusClaim{
		{"Postfix    not installed", absent, []change{none}},
		{"3.7.11, running", none, []change{func(s *Status) { s.Running = false }, absent, unknown("configuration")}},
		{"not restarted since it was replaced: relayhost verify", func(s *Status) { s.Outlived = true }, []change{none, absent, unknown("configuration")}},
		{"3.7.11, not running", func(s *Status) { s.Running = false }, []change{none, absent}},
		{"installed; its configuration cannot be read", unknown("configuration"), []change{none}},
		{"nowhere: there is no Postfix to send it", absent, []change{none, fresh}},
		{"directly to the recipients' servers", fresh, []change{none, absent, unknown("configuration"),
			func(s *Status) { fresh(s); s.transport = "nowhere: default_transport rejects it (error)" }}},
		{"through [in-v3.mailjet.com]:587 by the service relayhost-mailjet", none, []change{fresh, unknown("configuration"), func(s *Status) { s.NextHop = "" },
			func(s *Status) { s.transport = "nowhere: master.cf does not have the service relayhost-mailjet" }}},
		{"all other mail directly", func(s *Status) { s.Senders = []string{"@shop.example"} }, []change{none}},
		{"by HTTPS to the API at api.mailjet.com", func(s *Status) { s.API, s.NextHop = "api.mailjet.com", "unix:private/relayhost-mailjet" }, []change{none, func(s *Status) { s.API = "api.mailjet.com" }}},
		{"by relayhost for mailjet", none, []change{fresh, func(s *Status) { s.ChangeID, s.Relay, s.Configured = "", "", false }}},
		{"undo it: sudo relayhost rollback", none, []change{fresh, func(s *Status) { s.ChangeID, s.ChangedAt = "", nil }}},
		{"undo it, and 2 later changes of another Postfix: sudo relayhost rollback --to ", func(s *Status) { s.later = 2 }, []change{none, fresh}},
		{"was last written for the Postfix in /etc/postfix-out", func(s *Status) { s.answersOf = "/etc/postfix-out" }, []change{none}},
		{"not by relayhost", fresh, []change{none, func(s *Status) { fresh(s); s.Unknown = map[string]string{"answers": "relayhost.toml:8: unknown key"} }}},
		{"not yet: relayhost setup applies", func(s *Status) { s.ChangeID, s.ChangedAt, s.Service = "", nil, "smtp" }, []change{none, fresh}},
		{"did not finish; the next setup or rollback restores everything", func(s *Status) { s.Pending = &apply.Record{ID: "20261128-130000-1"} }, []change{none}},
		{"Undone", func(s *Status) { s.Undone = &apply.Undone{ID: "20261128-110000-1", Time: setAt, By: "the watchdog"} }, []change{none}},
		{"none: every file is as setup left it", none, []change{drift(apply.DriftForeign), drift(apply.DriftEdited), drift(apply.DriftRemoved), fresh, unknown("drift")}},
		{"none in what relayhost wrote", drift(apply.DriftForeign), []change{none, drift(apply.DriftEdited), fresh}},
		{"/etc/postfix/main.cf differently now: sudo relayhost setup --dry-run", func(s *Status) { s.Outdated = []string{"/etc/postfix/main.cf"} }, []change{none, drift(apply.DriftEdited)}},
		{"(of relayhost.toml; may not be applied: see Outdated)", func(s *Status) { s.Outdated, s.Routes = []string{"/etc/postfix/main.cf"}, []plan.Route{{Name: "shop"}} },
			[]change{none, func(s *Status) { s.Routes = []plan.Route{{Name: "shop"}} }}},
		{"since setup: relayhost's own lines are as it left them", drift(apply.DriftForeign), []change{none, drift(apply.DriftEdited)}},
		{"again since setup; its text is as setup left it", drift(apply.DriftCompiled), []change{none, drift(apply.DriftEdited), drift(apply.DriftForeign)}},
		{"restore it: sudo relayhost setup", drift(apply.DriftEdited), []change{none, drift(apply.DriftForeign)}},
		{"Queue      empty", none, []change{func(s *Status) { s.Waiting = 3 }, unknown("queue"), absent}},
		{"Queue      3 messages", func(s *Status) { s.Waiting = 3 }, []change{none, func(s *Status) { s.Waiting, s.more = 3, true }}},
		{"its file system is full", func(s *Status) { s.full = true }, []change{none, func(s *Status) { s.Waiting = 3 }}},
		{"more than 3 messages", func(s *Status) { s.Waiting, s.more = 3, true }, []change{func(s *Status) { s.Waiting = 3 }}},
		{"Verified   pass", none, []change{func(s *Status) { s.Verified = nil }, func(s *Status) { s.Verified.Time = setAt.Add(-time.Hour) }, func(s *Status) { s.Verified.Result = verify.Fail }}},
		{"not since this change; before it:", func(s *Status) { s.Verified.Time = setAt.Add(-time.Hour) }, []change{none, func(s *Status) { s.ChangedAt, s.ChangeID = nil, "" }}},
	}
}

// Defects that the first newcomers met, by the test of the right behaviour.
var _ = map[string]func(*testing.T){
	"D4: lines added beside relayhost's own are drift":        TestStatusClaims,
	"D11: status without Postfix: mail is delivered directly": TestStatusClaims,
}

// Everything that status claims about the server is claimed where it holds, and in no
// state in which it is false.
func TestStatusClaims(t *testing.T) {
	for _, c := range statusClaims() {
		claimtest.Check(t, c.text, func(_ *testing.T, change change) string {
			s := soundStatus()
			change(&s)
			return s.Text()
		}, c.holds, c.fails)
	}
}

// A default_transport that sends nothing by SMTP is neither a relay nor a direct way.
func TestStatusOtherTransport(t *testing.T) {
	s := newServer(t)
	for value, want := range map[string]string{
		"smtp":           "directly to the recipients' servers",
		"error:no mail":  "nowhere: default_transport rejects it",
		"discard:":       "nowhere: default_transport hands it to discard(8)",
		"gone:":          "nowhere: master.cf does not have the service gone",
		"uucp:":          "to the service uucp of master.cf (pipe), not to a relay",
		"smtp:[a.b]:587": "through [a.b]:587 by the service smtp",
	} {
		t.Run(value, func(t *testing.T) {
			main := strings.Replace(mainBefore, "default_transport", "#", 1) + "default_transport = " + value + "\n"
			writeFile(t, s.deps.Host.Real("/etc/postfix/main.cf"), main)
			writeFile(t, s.deps.Host.Real("/etc/postfix/master.cf"), "smtp unix - - y - - smtp\nerror unix - - y - - error\ndiscard unix - - y - - discard\nuucp unix - n n - - pipe flags=F user=uucp argv=uux\n")
			doc, err := ReadStatus(t.Context(), s.deps)
			if err != nil {
				t.Fatal(err)
			}
			if got := doc.Text(); !strings.Contains(got, want) {
				t.Errorf("got\n%swant %q", got, want)
			}
		})
	}
}

// Each text of a row of status stands in the table above.
func TestEveryStatusClaimIsTested(t *testing.T) {
	source, err := os.ReadFile("status.go")
	if err != nil {
		t.Fatal(err)
	}
	verb := regexp.MustCompile(`%\w`)
	rows := regexp.MustCompile(`row\("[^"]+", "([^"]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(rows) < 20 {
		t.Errorf("found %d rows, want at least 20", len(rows))
	}
	for _, m := range rows {
		known := false
		longest := ""
		for _, part := range verb.Split(m[1], -1) {
			if part = strings.Trim(part, " ,;()"); len(part) > len(longest) {
				longest = part
			}
		}
		for _, words := range []string{longest, strings.TrimSuffix(longest, ": --json lists them")} {
			known = known || len(words) < 6 || slices.ContainsFunc(statusClaims(), func(c statusClaim) bool { return strings.Contains(c.text, words) })
		}
		if !known {
			t.Errorf("%q: got no test with a state in which it is false, want one (looked for %q)", m[1], longest)
		}
	}
}
