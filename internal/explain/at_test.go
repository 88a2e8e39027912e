package explain

import (
	"regexp"
	"strings"
	"testing"
)

// Every command of the catalogue is one for the instance of Postfix that it is told for.
func TestCauseAtInstance(t *testing.T) {
	const dir = "/etc/postfix-out"
	other := regexp.MustCompile(`(?:^|[;&|]\s*|\$\(|sudo )(?:postfix|postconf|postqueue|postsuper|postmap|postalias|sendmail)(?: |$)(?:-c )?|relayhost (?:setup|verify|sign-in)(?: --config-dir)?`)
	commands := 0
	check := func(t *testing.T, c Cause) {
		t.Helper()
		c = c.filled(nil).At(dir)
		for _, found := range other.FindAllString(c.Command, -1) {
			commands++
			if !strings.HasSuffix(found, " -c ") && !strings.HasSuffix(found, " --config-dir") {
				t.Errorf("got %q, want the directory behind %q", c.Command, found)
			}
		}
		if strings.Contains(c.Command, "/etc/postfix/") {
			t.Errorf("got %q, want %s in it", c.Command, dir)
		}
	}
	for _, f := range must().failures {
		t.Run(f.ID, func(t *testing.T) {
			check(t, f.cause())
			check(t, f.Program.put(f.cause()))
			for _, v := range f.Variants {
				check(t, v.put(f.cause()))
			}
		})
	}
	if commands < 100 {
		t.Errorf("got %d commands of Postfix and of relayhost, want 100 at least", commands)
	}
}

// A table that the log has named is where it is, and what the default instance is told
// stays as it is.
func TestCauseAtNamedTable(t *testing.T) {
	const line = "postfix/smtp[9]: error: open database /etc/postfix/sasl_passwd.db: No such file or directory"
	var c Collector
	c.AddText("Nov 28 06:00:00 web1 " + line + "\n")
	before := c.Groups()
	if len(before) != 1 || !strings.Contains(before[0].Cause.Command, "postmap ") {
		t.Fatalf("got %+v, want one group with a command of postmap", before)
	}
	c.ConfigDir = "/etc/postfix-out"
	got, want := c.Groups()[0].Cause.Command, strings.Replace(before[0].Cause.Command, "postmap ", "postmap -c /etc/postfix-out ", 1)
	if got != want || !strings.Contains(got, "/etc/postfix/sasl_passwd") {
		t.Errorf("got %q, want %q", got, want)
	}
	c.ConfigDir = "/etc/postfix"
	if got := c.Groups()[0].Cause.Command; got != before[0].Cause.Command {
		t.Errorf("the default instance: got %q, want %q", got, before[0].Cause.Command)
	}
}

// A table that the configuration has named is where it is, be it in the directory of the
// default instance or below it.
func TestCauseAtFoundTable(t *testing.T) {
	const command = "postmap hash:/etc/postfix/shared && postmap hash:/etc/postfix/out/own"
	for _, dir := range []string{"/etc/postfix-out", "/etc/postfix/out"} {
		t.Run(dir, func(t *testing.T) {
			want := strings.ReplaceAll(command, "postmap ", "postmap -c "+dir+" ")
			if got := (Cause{ID: "map_db_missing", Command: command}).At(dir).Command; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
