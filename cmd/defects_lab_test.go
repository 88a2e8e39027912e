//go:build lab

package cmd_test

import "testing"

// Defects that the first newcomers met, by the test of the right behaviour. Other packages
// have theirs beside the tests.
var _ = map[string]func(*testing.T){
	"D1: no other SMTP server among the relays":                 TestLabOtherServer,
	"D1b: a smarthost that wants a login is set up without one": TestLabOtherServer,
	"D5: verify fails a mail server for a domain of its own":    TestLabAgreement,
	"D6: a change without an id, where nothing had changed":     TestLabPasswordAgain,
	"D19: a region is asked for where flags give all else":      TestLabAllGiven,
}
