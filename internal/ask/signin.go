package ask

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"relayhost/internal/config"
	"relayhost/internal/oauth"
	"relayhost/internal/plural"
	"relayhost/internal/secret"
	"relayhost/internal/setup"
	"relayhost/internal/ui"
	"relayhost/relays"
)

// The answers to the question how to sign in that are no grant of their own.
const (
	bySecret      = "secret"
	byCertificate = "certificate"
	byPassword    = "password"
)

// waysOf are the ways to sign in to a relay, the one that suits a server best first.
func waysOf(r *relays.Relay) []ui.Option {
	application := []ui.Option{
		{Value: bySecret, Text: "Application with a secret", Detail: "no user signs in; a new secret is due every 24 months at most"},
		{Value: byCertificate, Text: "Application with a certificate", Detail: "no user signs in; no secret is shared; a new certificate is due when it ends"},
	}
	user := []ui.Option{
		{Value: string(oauth.DeviceCode), Text: "Sign in with a code on another machine", Detail: "no secret; ends when the password changes; many tenants block it"},
		{Value: string(oauth.AuthorizationCode), Text: "Sign in by URL, and paste the address back", Detail: "no secret; ends when the password changes"},
	}
	password := ui.Option{Value: byPassword, Text: "Password", Detail: "off by default from the end of December 2026; Microsoft announces its removal in 2027"}
	switch r.ID {
	case "outlook": // passwords do not work, and there is no application without a user
		return user
	case "m365-hve":
		password.Detail = "until September 2028"
		return append(application, password)
	}
	return append(append(application, user...), password)
}

// SignIn asks how to log in to a relay that can be signed in to by OAuth.
func (q *Questions) SignIn(ctx context.Context, h config.Hop) (in config.SignIn, err error) {
	p, err := q.ask(ctx, "the way to sign in", "--sign-in client_credentials, device, url or password")
	if err != nil {
		return in, err
	}
	list := waysOf(h.Relay)
	if h.ByAPI() { // which takes no password
		list = slices.DeleteFunc(list, func(o ui.Option) bool { return o.Value == byPassword })
	}
	answer, err := p.Select("How does this server log in to "+h.Relay.Name+"?", list)
	switch answer {
	case byPassword:
		return in, err
	case bySecret, byCertificate:
		q.proof, in.Grant = answer, oauth.ClientCredentials
	default:
		in.Grant = oauth.Grant(answer)
	}
	return in, err
}

// Application asks for what the sign-in of h lacks, after saying what has to be
// registered.
func (q *Questions) Application(ctx context.Context, h *config.Hop) error {
	in := &h.SignIn
	needProof := setup.LacksProof(*h)
	// Without a tenant users of any organisation are asked in, which an application of
	// one organisation alone does not admit.
	needTenant := in.Tenant == "" && (in.Grant == oauth.ClientCredentials || h.Relay.ID == "m365" && q.Can())
	if in.ClientID != "" && h.Username != "" && !needProof && !needTenant {
		return nil
	}
	p, err := q.ask(ctx, "the application", "--client-id, --tenant and --credentials-file")
	if err != nil {
		return err
	}
	provider := "Microsoft"
	if h.Relay.ID == config.GmailID {
		provider = "Google"
	}
	q.IO.Tell("", "This has to be registered at %s, once:", provider)
	for _, line := range registration(*h) {
		q.IO.Tell("  ", "%s", line)
	}
	q.typed = true
	for _, field := range []struct {
		question string
		needed   bool
		value    *string
		check    func(string) error
	}{
		{"Mailbox that sends (its address)", h.Username == "", &h.Username, func(v string) error {
			if config.CheckAddress("", v) != nil {
				return errors.New("enter a full address, e.g. app@example.com")
			}
			return nil
		}},
		{"Application (client) ID", in.ClientID == "", &in.ClientID, setup.ClientIDCheck(h.Relay)},
		{"Directory (tenant) ID or domain", needTenant, &in.Tenant, given("the tenant's ID or domain")},
	} {
		if !field.needed {
			continue
		}
		if *field.value, err = p.Input(field.question, "", field.check); err != nil {
			return err
		}
		*field.value = strings.TrimSpace(*field.value)
	}
	if !needProof {
		return nil
	}
	return proofOf(q.proof, p, in)
}

// proofOf asks for the secret or the certificate of an application.
func proofOf(proof string, p ui.Prompter, in *config.SignIn) error {
	if proof != byCertificate {
		answer, err := p.Secret("Client secret (its Value)", setup.CheckClientSecret)
		in.Secret = secret.New(strings.TrimSpace(answer))
		return err
	}
	_, err := p.Input("PEM file with private key and certificate", "", func(path string) (err error) {
		if in.Certificate, err = secret.ReadCertificate(strings.TrimSpace(path)); err == nil {
			_, err = oauth.CheckCertificate(in.Certificate, time.Now())
		}
		return err
	})
	return err
}

// given refuses an empty answer.
func given(what string) func(string) error {
	return func(v string) error {
		if strings.TrimSpace(v) == "" {
			return errors.New("enter " + what)
		}
		return nil
	}
}

// Device shows the code to enter on another machine. The time limit of the run stands
// still until the sign-in is done: the code has an end of its own.
func (q *Questions) Device(d oauth.Device, user string) (done func()) {
	q.IO.Done()
	done = q.Limit.Pause()
	q.IO.Tell("", "Open %s on any machine, enter %s and sign in as %s (%s left).", d.URL, d.Code, user, plural.Of(max(1, int(time.Until(d.Expiry).Minutes())), "minute"))
	return done
}

// URL has the person open a link and reads the address that the browser ends at: a
// line of standard input where nothing may be asked.
func (q *Questions) URL(ctx context.Context, link, user string) (string, error) {
	q.IO.Done()
	q.IO.Tell("", "Open this address on any machine and sign in as %s. The browser ends at an empty page; paste its whole address here.", user)
	q.IO.Tell("  ", "%s", link)
	if q.Can() {
		p, err := q.ask(ctx, "the address", "it on standard input")
		if err != nil {
			return "", err
		}
		return p.Input("Address", "", given("the address that the browser shows"))
	}
	defer q.Limit.Pause()()
	return readLine(q.IO.InUntil(ctx))
}

// maxLine bounds a pasted address, in bytes.
const maxLine = 16 << 10

func readLine(in interface{ Read([]byte) (int, error) }) (string, error) {
	var line []byte
	for b := make([]byte, 1); len(line) < maxLine; {
		n, err := in.Read(b)
		if n == 1 && b[0] == '\n' {
			return string(line), nil
		}
		line = append(line, b[:n]...)
		if err != nil {
			if len(line) > 0 {
				return string(line), nil
			}
			return "", usage(fmt.Errorf("read the address from standard input: %w", err), "paste the address that the browser ends at as one line of standard input")
		}
	}
	return "", errors.New("the line on standard input is too long for an address")
}

// registration is what has to be registered at the identity provider for the way that h
// is signed in to, as steps with what is known of it filled in.
func registration(h config.Hop) []string {
	mailbox, id := cmp.Or(h.Username, "MAILBOX"), cmp.Or(strings.TrimSpace(h.SignIn.ClientID), "CLIENT_ID")
	application := h.SignIn.Grant == oauth.ClientCredentials
	const (
		register = "Register an application at https://entra.microsoft.com: App registrations, New registration, accounts in this directory only. Note the Application (client) ID and the Directory (tenant) ID."
		public   = "Authentication: add the platform Mobile and desktop applications with " + oauth.NativeRedirect + ", and set \"Allow public client flows\" to Yes."
		proof    = "Certificates & secrets: make a client secret and copy its Value, or upload a certificate."
		smtpAuth = "Switch SMTP AUTH on for the mailbox (PowerShell, module ExchangeOnlineManagement):"
	)
	connect := "  Connect-ExchangeOnline -Organization " + cmp.Or(h.SignIn.Tenant, "TENANT")
	on := "  Set-CASMailbox -Identity " + mailbox + " -SmtpClientAuthenticationDisabled $false"
	switch {
	case h.Relay.ID == config.GmailID:
		return []string{
			"Make a project at https://console.cloud.google.com, and enable the Gmail API in it.",
			"OAuth consent screen: Internal in a Workspace. Otherwise External, and published: while it is Testing, a sign-in ends after 7 days.",
			"Credentials: create an OAuth client ID of the type Desktop app. Note the client ID and the client secret.",
		}
	case h.APITakesTokens() && application:
		return []string{
			register,
			"API permissions: Microsoft Graph, application permissions, Mail.Send. Grant admin consent.",
			proof,
			"Without a policy the application may send as every mailbox of the tenant. Limit it to this one (PowerShell, module ExchangeOnlineManagement):",
			connect,
			"  New-ApplicationAccessPolicy -AppId " + id + " -PolicyScopeGroupId " + mailbox + " -AccessRight RestrictAccess -Description relayhost",
		}
	case h.APITakesTokens():
		return []string{register, public, "API permissions: Microsoft Graph, delegated permissions, Mail.Send. Grant admin consent."}
	case h.Relay.ID == "outlook":
		return []string{
			"Register an application at https://entra.microsoft.com: App registrations, New registration, personal Microsoft accounts. Note the Application (client) ID.",
			public,
			"API permissions: Microsoft Graph, delegated, SMTP.Send.",
		}
	case application && h.Relay.ID == "m365-hve":
		return []string{
			register,
			"API permissions: APIs my organization uses, Office 365 Exchange Online, application permissions, Mail.Send. Grant admin consent.",
			proof,
			"Give the application the HVE account (PowerShell, module ExchangeOnlineManagement):",
			connect,
			"  Add-HVEAppAccess -Identity " + mailbox + " -AppId " + id,
		}
	case application:
		return []string{
			register,
			"API permissions: APIs my organization uses, Office 365 Exchange Online, application permissions, SMTP.SendAsApp. Grant admin consent.",
			proof,
			"Give the application the mailbox. The Object ID is the one under Enterprise applications, not the one of the registration:",
			connect,
			"  New-ServicePrincipal -AppId " + id + " -ObjectId ENTERPRISE_APPLICATION_OBJECT_ID",
			"  Add-MailboxPermission -Identity " + mailbox + " -User ENTERPRISE_APPLICATION_OBJECT_ID -AccessRights FullAccess",
			smtpAuth,
			on,
		}
	default:
		return []string{
			register,
			public,
			"API permissions: APIs my organization uses, Office 365 Exchange Online, delegated permissions, SMTP.Send. Grant admin consent.",
			smtpAuth,
			connect,
			on,
		}
	}
}
