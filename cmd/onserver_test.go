package cmd_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"relayhost/internal/lab/claimtest"
)

// Each text that only a whole server makes true and false has a lab test.
func TestTextsOnServer(t *testing.T) {
	tests := map[string]func(*testing.T){
		"an earlier run was aborted":                                           TestLabUnfinished,
		"Postfix is not installed: the diff":                                   TestLabInstallQuestion,
		"Postfix, the mail server that relayhost configures, is not installed": TestLabInstallQuestion,
		"asked as the role of this instance":                                   TestLabSetupHTTPS,
		"no mail port of":                                                      TestLabHTTPSAsked,
		"could not save for verify":                                            TestLabNotesOfSetup,
		"could not save the result for status":                                 TestLabNotesOfSetup,
		"test messages are sent at most":                                       TestLabManyAccounts,
		"left out of it":                                                       TestLabManyAccounts,
		"other services and accounts share a relay":                            TestLabNotesOfSetup,
		"and do not leave, now as before":                                      TestLabForeignRecipient,
		"was not compared: that needs root":                                    TestLabNotesOfSetup,
		"before and after the change was not compared: %v":                     TestLabNotesOfSetup,
		"no mail leaves now":                                                   TestLabNotesOfSetup,
	}
	texts := slices.Sorted(slices.Values(slices.Concat(claimtest.OfCmd, claimtest.OfAsk, claimtest.OfSetup)))
	if d := cmp.Diff(texts, slices.Sorted(maps.Keys(tests))); d != "" {
		t.Errorf("texts with a test: want those of claimtest (-), got (+)\n%s", d)
	}
}
