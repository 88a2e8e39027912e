package cmd

import "github.com/spf13/cobra"

// exitHelp stands at the end of the help of every command that can return
// more than 0, 1 and 64.
const exitHelp = `

Exit codes:
  0    done, or nothing to do
  1    failed; the host is as it was before
  2    --dry-run --detailed-exitcode: there are differences; status: drift
  3    the proof failed (relay, TLS, credentials, sender or delivery); setup has
       left nothing of its own on the host
  4    rolling back was not complete: a person is needed, the files are named
  5    explain: nothing in the text is known
  64   the command line or relayhost.toml is wrong
  130  interrupted, rolled back`

func newExitCodesTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "What the exit codes mean",
		Long:  "What the exit codes of relayhost mean." + exitHelp,
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

They are stored in /etc/postfix/sasl_passwd, or in relayhost_sasl_passwd where
that name is in use already, and its compiled map; both are readable by root only.
What these held before is kept in /var/lib/relayhost, which only root can enter,
for rollback. No log and no output holds them.`,
	}
}
