package claimtest

// OnServer are parts of texts that only a whole server makes true and false. Each has a lab
// test, which TestTextsOnServer of cmd names.
type OnServer []string

// The texts, by the package that prints them.
var (
	OfCmd = OnServer{
		"an earlier run was aborted",
		"Postfix is not installed: the diff",
	}
	OfAsk = OnServer{
		"Postfix, the mail server that relayhost configures, is not installed",
	}
	OfSetup = OnServer{
		"asked as the role of this instance",
		"no mail port of",
		"could not save for verify",
		"could not save the result for status",
		"test messages are sent at most",
		"left out of it",
		"other services and accounts share a relay",
		"and do not leave, now as before",
		"was not compared: that needs root",
		"before and after the change was not compared: %v",
		"no mail leaves now",
	}
)
