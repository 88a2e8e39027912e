package cmd

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"relayhost/internal/ui"
	"strings"
	"testing"
)

// The defects that the first newcomers met, each with a test of the right behaviour.
var defects = []struct{ number, what, test string }{
	{"D1", "no other SMTP server among the relays", "TestLabOtherServer"},
	{"D1b", "a smarthost that wants a login is set up without one", "TestLabOtherServer"},
	{"D2", "a test recipient on this server ends the session", "TestAddresses"},
	{"D3", "records to be published in domains of public mail services, or where they are", "TestMissingRecords"},
	{"D4", "lines added beside relayhost's own are drift", "TestStatusClaims"},
	{"D5", "verify fails a mail server for a domain of its own", "TestLabAgreement"},
	{"D6", "a change without an id, where nothing had changed", "TestLabPasswordAgain"},
	{"D7", "ten seconds of waiting where PID 1 reaps nothing", "TestLabRehearsalWithoutReaper"},
	{"D8", "an empty line more in master.cf with each change", "TestMasterKeepsItsLines"},
	{"D9", "sender notes that do not fit their sentence", "TestSenderRule"},
	{"D10", "explain counts a message twice, and one that was delivered since", "TestCountedOnce"},
	{"D11", "status without Postfix: mail is delivered directly", "TestStatusClaims"},
	{"D12", "DNS records of the default route alone", "TestMissingRecords"},
	{"D13", "an example with an id in a form that no change has", "TestRollbackExample"},
	{"D14", "the cause of another certificate for one that is not the pinned one", "TestProbeCauses"},
	{"D15", "a smarthost's bounce domain is taken for known", "TestSmarthostBounces"},
	{"D16", "verify fails a stock Debian for a chroot without TLS that is verified", "TestInspect"},
	{"D17", "no --version, and no hint for a mistyped flag or a password", "TestFlagHint"},
	{"D18", "findings in the order in which they end", "TestReportText"},
	{"D19", "a region is asked for where flags give all else", "TestLabAllGiven"},
	{"D20", "setup does not say that port 25 is open", "TestToldClaims"},
	{"D21", "typing after the arrows selects what is below", "TestListCursorGoesHome"},
}

func TestEveryDefectIsTested(t *testing.T) {
	tests := sources(t, "*_test.go", "../*/*_test.go", "../internal/*/*_test.go")
	for _, d := range defects {
		t.Run(d.number, func(t *testing.T) {
			if !strings.Contains(tests, "func "+d.test+"(") {
				t.Errorf("%s: want the test %s, which is missing", d.what, d.test)
			}
		})
	}
}

// Examples name changes in the form that an id has, 20261122-101500-1.
func TestRollbackExample(t *testing.T) {
	other := regexp.MustCompile(`[0-9]{8}T[0-9]{6}|[0-9]{8}-[0-9]{6}\b[^-]`)
	root := newRootCmd(&app{io: &ui.Streams{Out: io.Discard, Err: io.Discard}})
	for _, c := range root.Commands() {
		if id := other.FindString(c.Example + c.Long); id != "" {
			t.Errorf("%s: got the id %q, want one of the form 20261122-101500-1", c.Name(), id)
		}
	}
}

// sources is the text of all files that the patterns match.
func sources(t *testing.T, patterns ...string) (all string) {
	t.Helper()
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all += string(text)
		}
	}
	return all
}
