package oauth

import (
	"errors"
	"fmt"
)

// Cloud is one of Microsoft's clouds.
type Cloud string

// Microsoft's clouds (Authenticate an IMAP, POP or SMTP connection using OAuth,
// MicrosoftDocs/office-developer-exchange-docs, 2026-06; national clouds,
// Microsoft identity platform).
const (
	Global  Cloud = ""
	USGov   Cloud = "us-gov"
	China   Cloud = "china"
	Outlook Cloud = "outlook" // personal accounts: Outlook.com, Hotmail, Live
)

type cloudHosts struct{ login, application, delegated string }

var clouds = map[Cloud]cloudHosts{
	Global:  {"login.microsoftonline.com", "outlook.office365.com", "outlook.office.com"},
	USGov:   {"login.microsoftonline.us", "outlook.office365.us", "outlook.office365.us"},
	China:   {"login.partner.microsoftonline.cn", "partner.outlook.cn", "partner.outlook.cn"},
	Outlook: {"login.microsoftonline.com", "", "outlook.office.com"},
}

// NativeRedirect is where a browser ends after a sign-in of a public client; the
// page is blank and its address holds the code.
const NativeRedirect = "https://login.microsoftonline.com/common/oauth2/nativeclient"

// Microsoft fills in the endpoints and scopes of a client registered with
// Microsoft Entra ID. tenant is its domain or id; it may be empty for a sign-in
// by a user, and is not used for personal accounts.
func Microsoft(c Client, cloud Cloud, tenant string) (Client, error) {
	hosts, ok := clouds[cloud]
	if !ok {
		return c, fmt.Errorf("unknown Microsoft cloud %q", cloud)
	}
	switch {
	case cloud == Outlook && c.Grant == ClientCredentials:
		return c, fmt.Errorf("personal Microsoft accounts need a sign-in by their user: choose %s or %s", DeviceCode, AuthorizationCode)
	case cloud == Outlook:
		tenant = "consumers"
	case tenant == "" && c.Grant == ClientCredentials:
		return c, fmt.Errorf("missing tenant: its domain or id")
	case tenant == "":
		tenant = "organizations"
	}
	if !validTenant(tenant) {
		return c, errors.New("the tenant is no domain or ID")
	}
	base := "https://" + hosts.login + "/" + tenant + "/oauth2/v2.0/"
	c.TokenURL, c.DeviceURL, c.AuthorizeURL = base+"token", base+"devicecode", base+"authorize"
	c.RedirectURL = NativeRedirect
	c.Scopes = []string{"https://" + hosts.delegated + "/SMTP.Send", "offline_access"}
	if c.Grant == ClientCredentials {
		c.Scopes = []string{"https://" + hosts.application + "/.default"}
	}
	return c, c.Validate()
}

// graphHosts are the addresses of Microsoft Graph in Microsoft's clouds (National
// cloud deployments, Microsoft Graph, read 2026-11-28).
var graphHosts = map[Cloud]string{
	Global: "graph.microsoft.com", Outlook: "graph.microsoft.com", USGov: "graph.microsoft.us", China: "microsoftgraph.chinacloudapi.cn",
}

// MicrosoftGraph is Microsoft for tokens of Microsoft Graph, with the permission
// Mail.Send, in place of SMTP.
func MicrosoftGraph(c Client, cloud Cloud, tenant string) (Client, error) {
	c, err := Microsoft(c, cloud, tenant)
	if err != nil {
		return c, err
	}
	c.Scopes = []string{"https://" + graphHosts[cloud] + "/Mail.Send", "offline_access"}
	if c.Grant == ClientCredentials {
		c.Scopes = []string{"https://" + graphHosts[cloud] + "/.default"}
	}
	return c, nil
}

// validTenant keeps what is pasted from becoming another path.
func validTenant(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '-' {
			return false
		}
	}
	return len(s) > 0 && len(s) <= 253
}
