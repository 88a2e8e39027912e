//go:build lab

package cmd_test

import (
	"fmt"
	"strings"
	"testing"

	"relayhost/internal/bridge/apitest"
	"relayhost/internal/lab"
)

// TestLabSetupRoles: Amazon SES by the role of an EC2 instance, of an ECS task and of an
// EKS service account and by a shared credentials file, as the environment of setup names them. The
// bridge, which has another environment, gets its keys from the same place, and none is
// stored.
func TestLabSetupRoles(t *testing.T) {
	t.Parallel()
	for _, by := range starters() {
		t.Run(by.name, func(t *testing.T) {
			t.Parallel()
			setupRoles(t, by)
		})
	}
}

func setupRoles(t *testing.T, by starter) {
	file := fmt.Sprintf("[mail]\naws_access_key_id = %s\naws_secret_access_key = %s\naws_session_token = %s\n", apitest.AccessKey, apitest.SecretKey, apitest.Session)
	l := lab.New(t, append(append(noPorts(), by.options...), lab.Postfix(), lab.Cloud("aws"), lab.API("ses", "email.eu-west-1.amazonaws.com"), lab.ContainerRoles(),
		lab.File("/etc/aws/credentials", []byte(file), 0o644))...)
	srv, ses := l.Server, l.World.API("ses")
	srv.Install()
	srv.Shell("mkdir -p /var/run/secrets/eks.amazonaws.com/serviceaccount") // on a tmpfs, where systemd has booted
	srv.WriteFile("/var/run/secrets/eks.amazonaws.com/serviceaccount/token", lab.WebIdentityToken, 0o644)
	for _, row := range []struct {
		source string
		env    []string
	}{
		{"ec2", nil},
		{"container", []string{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=" + lab.ContainerPath}},
		{"web_identity", []string{"AWS_WEB_IDENTITY_TOKEN_FILE=/var/run/secrets/eks.amazonaws.com/serviceaccount/token", "AWS_ROLE_ARN=" + lab.WebIdentityRole}},
		{"file", []string{"AWS_SHARED_CREDENTIALS_FILE=/etc/aws/credentials", "AWS_PROFILE=mail"}},
	} {
		if row.source == "ec2" && by.name == bySpawn.name {
			continue // TestLabSetupHTTPS
		}
		t.Run(row.source, func(t *testing.T) {
			before := len(ses.Got())
			args := append(append([]string{"env"}, row.env...), "/usr/local/bin/relayhost", "setup", "--relay", "ses", "--region", "eu-west-1", "--via", "https",
				"--from", "app@example.com", "--to", "ops@example.net", "--yes", "--json")
			res := l.Run(append(args, by.flags...)...)
			if res.Code != 0 {
				t.Fatalf("setup: want exit code 0, got %s\n%s", res, srv.MailLog())
			}
			if got := len(ses.Got()) - before; got != 2 {
				t.Errorf("messages: got %d, want the rehearsal's and the proof's", got)
			}
			text := srv.ReadFile("/var/lib/postfix-relayhost-bridge/ses-https.conf")
			if !strings.Contains(text, row.source) || strings.Contains(text, apitest.SecretKey) || strings.Contains(text, apitest.Session) {
				t.Errorf("configuration: got\n%s\nwant the source %s and no key", text, row.source)
			}
			if res := l.Run("relayhost", "verify"); res.Code != 0 {
				t.Errorf("verify without that environment: want exit code 0, got %s", res)
			}
			if res := l.Run("relayhost", "rollback", "--all", "--yes"); res.Code != 0 {
				t.Errorf("rollback: want exit code 0, got %s", res)
			}
		})
	}
}
