package explain

import (
	"strings"
	"testing"
	"unicode"
)

// marked is the password in the places of a text where one can stand.
const marked = "Zq7marked9Xp4secret"

// FuzzExplain: whatever somebody pastes, no control character and no secret comes
// out, and what comes out is complete.
func FuzzExplain(f *testing.F) {
	for _, failure := range must().failures {
		for _, s := range failure.Samples {
			f.Add(s)
		}
	}
	for _, s := range []string{
		"", "\x1b[31m535 no\x1b]0;x\x07", "status=bounced (", "S: 535-5.7.8 a\\n535 b", `{"log":"{\"log\":\"535 5.7.8 no\"}"}`, "MESSAGE=x\nSYSLOG_IDENTIFIER=postfix/smtp\n",
		"Nov 21 01:02:03 h postfix/smtp[9]: connect to a[1.2.3.4]:25: Conn\nection timed out",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.Contains(s, marked[:8]) {
			return // the mark itself is no secret that came back
		}
		secrets := "\n< host: 334 UGFzc3dvcmQ6\nC: AUTH PLAIN " + marked + "\npassword=" + marked + " --auth-password " + marked + "\nsmtps://user:" + marked + "@host/\n[relay.test]:587 user:" + marked +
			"\nsmtp_sasl_passwd_lookup: host `relay.test' user `user' pass `" + marked + "'\n"
		var c Collector
		c.AddText(s + secrets)
		out := c.Report()
		for _, g := range c.Groups() {
			if g.Cause.ID != "" && (g.Cause.Title == "" || g.Cause.Remedy == "" || g.Cause.Command == "" || strings.Contains(g.Cause.Command, "{")) {
				t.Errorf("cause %s: got a title of %d, a remedy of %d, a command of %d bytes, \"{\" in it: %v; want none empty and false",
					g.Cause.ID, len(g.Cause.Title), len(g.Cause.Remedy), len(g.Cause.Command), strings.Contains(g.Cause.Command, "{"))
			}
			out += g.Example + g.Cause.Title + g.Cause.Meaning + g.Cause.Remedy + g.Cause.Command
		}
		if strings.Contains(out, marked) {
			t.Error("report and groups: got the secret in them, want none of it")
		}
		for _, r := range out {
			if unicode.IsControl(r) && r != '\n' {
				t.Errorf("report and groups: got the control character %q, want none but line ends", r)
			}
		}
	})
}
