package cmd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// exitCodes are all of them, with what each means.
var exitCodes = []struct {
	code  int
	means string
}{
	{exitDone, "done, or nothing to do"},
	{exitFailed, "failed; the host is as it was before"},
	{exitDifferences, "--dry-run --detailed-exitcode: there are differences; status: drift"},
	{exitProof, "the proof failed (relay, TLS, credentials, sender or delivery); setup\n       has left nothing of its own on the host"},
	{exitNeedsPerson, "rollback incomplete; repair the named files by hand"},
	{exitUnknown, "explain: nothing in the text is known"},
	{exitUsage, "the command line or relayhost.toml is wrong"},
	{exitInterrupted, "interrupted, rolled back"},
}

// exitHelp stands at the end of the help of a command: the codes that it returns
// beside 0, 1, 64 and 130, which all do.
func exitHelp(also ...int) string {
	var b strings.Builder
	b.WriteString("\n\nExit codes:")
	for _, c := range exitCodes {
		if slices.Contains(append(also, exitDone, exitFailed, exitUsage, exitInterrupted), c.code) {
			fmt.Fprintf(&b, "\n  %-4d %s", c.code, c.means)
		}
	}
	return b.String()
}

func newExitCodesTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "What the exit codes mean",
		Long:  "What the exit codes of relayhost mean." + exitHelp(exitDifferences, exitProof, exitNeedsPerson, exitUnknown),
	}
}

func newCredentialsTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "credentials",
		Short: "How user name and password get in",
		Long: `User name and password of the relay service are never given as flags: other users
of the host could read them in the process list. They come from, in this order:

  --credentials-file FILE   a file that only its owner can read (chmod 600)
  --credentials-file -      the same lines from standard input; a terminal is
                            asked instead, and does not show the password
  $CREDENTIALS_DIRECTORY/relayhost
                            found by itself under systemd (LoadCredential=)
  a question                on a terminal

The file has two lines. Everything after the first "=" is the value:

  username=AKIA...
  password=B...

For Amazon SES, secret_access_key= may stand in place of password=: the SMTP
password is then derived from it here, offline, for the region of the relay.

For a sign-in by OAuth (Microsoft 365) the file names the application:

  mailbox=app@example.com
  tenant=example.com
  client_id=11111111-2222-3333-4444-555555555555
  client_secret=...        or client_certificate=/path/of/key-and-cert.pem
For the API of a relay (--via https) the file has api_key=, and what else that API
wants: domain=, account_id=, host=; for OCI username=, private_key= (a path),
tenancy=, compartment= and key_fingerprint=. Amazon SES takes username= and
secret_access_key=, or nothing on a host with a role.

They are stored in /etc/postfix/sasl_passwd, or in relayhost_sasl_passwd where
that name is in use already, and its compiled map; both are readable by root only.
What these held before is kept in /var/lib/relayhost, which only root can enter,
for rollback. No log and no output holds them.`,
	}
}
