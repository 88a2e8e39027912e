//go:build unix

package oauth

// Reason is a refusal of Microsoft's identity platform in words: what it means, and
// what to do.
type Reason struct{ Meaning, Remedy string }

// The remedies that several refusals share.
const (
	signInAgain = "run relayhost sign-in"
	newSecret   = "make a new client secret (Certificates & secrets), and run relayhost setup with it"
	checkTenant = "check the tenant: Overview of Microsoft Entra ID shows its ID and domain"
)

// reasons are Microsoft's numbers (Microsoft Entra authentication and authorization
// error codes, MicrosoftDocs/entra-docs, docs/identity-platform/reference-error-codes.md,
// commit 04f6554, read 2026-11-28).
var reasons = map[string]Reason{
	"50034":   {"the user does not exist in the tenant", "check the mailbox address, and the tenant"},
	"50053":   {"the user is locked, or the sign-in came from an address that Microsoft distrusts", "have an administrator look at the sign-in logs"},
	"50055":   {"the user's password has expired", "change the password, then " + signInAgain},
	"50057":   {"the user is disabled", "have an administrator enable the user"},
	"50059":   {"the tenant is missing, and nothing else tells it", checkTenant},
	"50020":   {"the user is of another tenant", checkTenant},
	"50105":   {"the user is not assigned to the application", "assign the user to the enterprise application, or switch assignment off"},
	"50011":   {"the redirect address is not registered", "add " + NativeRedirect + " under Authentication, Mobile and desktop applications"},
	"50076":   {"the user must use a second factor", signInAgain},
	"50078":   {"the second factor of the last sign-in has expired", signInAgain},
	"50079":   {"the user must register a second factor first", "sign in to https://mysignins.microsoft.com as the user, then " + signInAgain},
	"50126":   {"the user name or password was wrong", signInAgain},
	"50173":   {"the sign-in was revoked: the password was changed or reset, or an administrator revoked the sessions", signInAgain},
	"53000":   {"Conditional Access wants a managed device", "have an administrator exclude the application from the policy, or sign in as an application (client_credentials)"},
	"53003":   {"Conditional Access blocks this sign-in; many tenants block device codes", "sign in by URL, or as an application (client_credentials)"},
	"54005":   {"the code has been used before", signInAgain},
	"65001":   {"nobody has consented to the application's permission", "have an administrator grant consent under API permissions"},
	"65004":   {"the user declined to consent", signInAgain + ", and accept"},
	"70000":   {"the refresh token is not valid", signInAgain},
	"70001":   {"the application is disabled", "enable the enterprise application"},
	"70008":   {"the sign-in has expired for want of use", signInAgain},
	"70011":   {"the scope is not valid for this application", "add the permission SMTP.Send (a user signs in) or SMTP.SendAsApp (application) of Office 365 Exchange Online"},
	"70016":   {"nobody has signed in yet", ""},
	"70018":   {"the code was mistyped", signInAgain},
	"70019":   {"the code has ended", signInAgain},
	"70043":   {"the sign-in has ended by the sign-in frequency of Conditional Access", signInAgain + "; an application (client_credentials) has no such end"},
	"90002":   {"there is no such tenant in this cloud", checkTenant},
	"90038":   {"the tenant is in another cloud", "give the region of that cloud with --region"},
	"90094":   {"an administrator has to consent", "have an administrator grant consent under API permissions"},
	"500011":  {"the tenant has no Exchange Online for this application", checkTenant},
	"530032":  {"a security policy of the tenant blocks this sign-in", "have an administrator look at the sign-in logs"},
	"530035":  {"security defaults block this sign-in", "sign in as an application (client_credentials), or by URL"},
	"650057":  {"the permission is not among those of the application", "add SMTP.Send (a user signs in) or SMTP.SendAsApp (application) of Office 365 Exchange Online under API permissions"},
	"700016":  {"the tenant knows no application of this ID", "give the Application (client) ID, not the Object ID, and check the tenant"},
	"700024":  {"the signed request is of another time: this server's clock is wrong", setClock},
	"700025":  {"the application is public and takes no secret", "leave client_secret out, or switch \"Allow public client flows\" off"},
	"700027":  {"the certificate is not one that is registered for the application, or this server's clock is off", "upload the certificate under Certificates & secrets, and check the clock"},
	"700082":  {"the sign-in was not used for 90 days", signInAgain},
	"900144":  {"the request lacks a parameter", "report it as a fault of relayhost"},
	"7000112": {"the application is disabled", "enable the enterprise application"},
	"7000215": {"the client secret is wrong", "give the secret's Value, not its Secret ID; " + newSecret},
	"7000218": {"the application takes no sign-in without a secret", "switch \"Allow public client flows\" on under Authentication"},
	"7000222": {"the client secret has expired", newSecret},
	"9001023": {"the sign-in needs a tenant of its own", checkTenant},
	"9002332": {"the application is for organisations, and the mailbox is a personal account", "register it for personal Microsoft accounts too"},
}

// Reason is the refusal in words; the zero Reason where none are known.
func (r *Refusal) Reason() Reason {
	if reason, ok := reasons[r.Number]; ok {
		return reason
	}
	switch r.Code {
	case "access_denied", "authorization_declined":
		return Reason{"the sign-in was declined", signInAgain}
	case "expired_token", "code_expired":
		return Reason{"nobody signed in before the code ended", signInAgain}
	case "not_signed_in":
		return Reason{"nobody has signed in yet", signInAgain}
	}
	return Reason{}
}
