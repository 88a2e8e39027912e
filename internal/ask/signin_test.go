package ask

import (
	"strings"
	"testing"

	"relayhost/internal/config"
	"relayhost/internal/oauth"
	"relayhost/relays"
)

// What has to be registered names the mailbox, and the permission of the way.
func TestRegistration(t *testing.T) {
	for _, test := range []struct {
		relay string
		grant oauth.Grant
		want  []string
	}{
		{"m365", oauth.ClientCredentials, []string{"SMTP.SendAsApp", "New-ServicePrincipal -AppId CLIENT_ID", "Add-MailboxPermission -Identity app@contoso.example", "-SmtpClientAuthenticationDisabled $false", "Organization contoso.example"}},
		{"m365", oauth.DeviceCode, []string{"Allow public client flows", "SMTP.Send.", "Set-CASMailbox -Identity app@contoso.example"}},
		{"m365", oauth.AuthorizationCode, []string{oauth.NativeRedirect, "SMTP.Send."}},
		{"m365-hve", oauth.ClientCredentials, []string{"Mail.Send", "Add-HVEAppAccess -Identity app@contoso.example"}},
		{"outlook", oauth.DeviceCode, []string{"personal Microsoft accounts", "SMTP.Send"}},
	} {
		t.Run(test.relay+" "+string(test.grant), func(t *testing.T) {
			in := config.SignIn{Grant: test.grant, Tenant: "contoso.example"}
			text := strings.Join(registration(config.Hop{Relay: &relays.Relay{ID: test.relay}, Via: config.SMTPOAuth, Username: "app@contoso.example", SignIn: in}), "\n")
			for _, want := range test.want {
				if !strings.Contains(text, want) {
					t.Errorf("got\n%s\nwant %q in it", text, want)
				}
			}
		})
	}
}

// The lines for PowerShell can be pasted as they are, where the application is known.
func TestRegistrationFilledIn(t *testing.T) {
	const id = "7f3a0000-aaaa-bbbb-cccc-000000000001"
	for relay, want := range map[string]string{"m365": "New-ServicePrincipal -AppId " + id + " -ObjectId", "m365-hve": "-AppId " + id} {
		t.Run(relay, func(t *testing.T) {
			h := config.Hop{Relay: &relays.Relay{ID: relay}, Via: config.SMTPOAuth, SignIn: config.SignIn{Grant: oauth.ClientCredentials, ClientID: id}}
			if text := strings.Join(registration(h), "\n"); !strings.Contains(text, want) || strings.Contains(text, "CLIENT_ID") {
				t.Errorf("got\n%s\nwant %q in it and no CLIENT_ID", text, want)
			}
		})
	}
}

// What has to be registered for an API names its own permission, and how to limit it.
func TestRegistrationAPI(t *testing.T) {
	for _, test := range []struct {
		relay string
		grant oauth.Grant
		want  []string
	}{
		{"m365", oauth.ClientCredentials, []string{"Microsoft Graph, application permissions, Mail.Send", "New-ApplicationAccessPolicy -AppId CLIENT_ID -PolicyScopeGroupId app@contoso.example"}},
		{"m365", oauth.DeviceCode, []string{"Microsoft Graph, delegated permissions, Mail.Send", "Allow public client flows"}},
		{"gmail", oauth.AuthorizationCode, []string{"Gmail API", "Desktop app", "7 days"}},
	} {
		t.Run(test.relay+" "+string(test.grant), func(t *testing.T) {
			h := config.Hop{Relay: &relays.Relay{ID: test.relay}, Via: config.HTTPS, Username: "app@contoso.example", SignIn: config.SignIn{Grant: test.grant}}
			text := strings.Join(registration(h), "\n")
			for _, want := range test.want {
				if !strings.Contains(text, want) {
					t.Errorf("got\n%s\nwant %q in it", text, want)
				}
			}
			if strings.Contains(text, "SMTP") {
				t.Errorf("got\n%s\nwant nothing of SMTP", text)
			}
		})
	}
}
