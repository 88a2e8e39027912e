package cmd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// exitCodes are all of them, with what each means.
var exitCodes = []meaning{
	{exitDone, "done, or nothing to do"},
	{exitFailed, "failed; the mail configuration is as before"},
	{exitDifferences, "--dry-run --detailed-exitcode: there are differences; status: drift"},
	{exitProof, "the proof failed (relay, TLS, login, sender or delivery);\n       the configuration is as before, unless --keep-on-failure was given"},
	{exitIncomplete, "rollback incomplete; repair the named files by hand"},
	{exitUnknown, "explain: nothing in the text is known"},
	{exitUsage, "the command line or relayhost.toml is wrong"},
	{exitInterrupted, "interrupted; the mail configuration is as before"},
}

// meaning is an exit code and what it says about a command.
type meaning struct {
	code  int
	means string
}

// exitHelp ends the help of a command: the codes that it returns, which are its own
// and 0, 1, 64 and 130.
func exitHelp(own ...meaning) string {
	all := append([]meaning{{exitDone, "done"}, {exitFailed, "failed"}, {exitUsage, "a flag or an argument is wrong"}, {exitInterrupted, "interrupted"}}, own...)
	slices.SortStableFunc(all, func(a, b meaning) int { return a.code - b.code })
	var b strings.Builder
	b.WriteString("\n\nExit codes:")
	for i, c := range all {
		if i+1 < len(all) && all[i+1].code == c.code { // the command's own words come after
			continue
		}
		fmt.Fprintf(&b, "\n  %-4d %s", c.code, c.means)
	}
	return b.String()
}

func newExitCodesTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "What the exit codes mean",
		Long:  "What the exit codes of relayhost mean." + exitHelp(exitCodes...),
	}
}

func newCredentialsTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "credentials",
		Short: "How to pass user name and password",
		Long: `User name and password of the relay are never passed as flags: other users of the
host could read them in the process list. They are read from, in this order:

  --credentials-file FILE   a file that only its owner can read (chmod 600)
  --credentials-file -      the same lines from standard input; a terminal is
                            asked instead, without showing the password
  $CREDENTIALS_DIRECTORY/relayhost
                            read automatically under systemd (LoadCredential=)
  a question                on a terminal

The file has two lines. Everything after the first "=" is the value:

  username=AKIA...
  password=B...

For Amazon SES, secret_access_key= can replace password=: the SMTP
password is then derived from it here, offline, for the region of the relay.

For a sign-in by OAuth (Microsoft 365) the file names the application:

  mailbox=app@example.com
  tenant=example.com
  client_id=11111111-2222-3333-4444-555555555555
  client_secret=...
  client_secret_expires=2028-11-29

The last line is the day that Microsoft shows beside the secret. In place of the
secret, client_certificate= names a PEM file with the key and its certificate.

For the API of a relay (--via https) the file has api_key=, and what else that API
needs: domain=, account_id=, host=; for OCI username=, private_key= (a path),
tenancy=, compartment= and key_fingerprint=. Amazon SES uses username= and
secret_access_key=, or nothing on a host with a role.

They are stored in /etc/postfix/sasl_passwd, or in relayhost_sasl_passwd where
that name is in use already, and its compiled table; both are readable by root only.
Their previous content is kept for rollback in /var/lib/relayhost, which only
root can enter. Credentials are never logged or printed.`,
	}
}
