//go:build !lab

package cmd_test

import "testing"

// The lab tests that tables name, in a build without them. With the tag lab each is the test
// itself, so that the tables do not compile when it is renamed or removed.
var (
	TestLabAnsible,
	TestLabDocuments,
	TestLabFirstRun,
	TestLabForeignRecipient,
	TestLabHTTPSAsked,
	TestLabInstallQuestion,
	TestLabManyAccounts,
	TestLabMicrosoft365Page,
	TestLabNotesOfSetup,
	TestLabReadmeInstall,
	TestLabReadmeSession,
	TestLabReadmeTry,
	TestLabRoutesDocument,
	TestLabSetupHTTPS,
	TestLabSystemd,
	TestLabUnfinished,
	TestLabWalk func(*testing.T)
)
