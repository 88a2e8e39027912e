package oauth

import "fmt"

// Google's endpoints, and where a browser ends after a sign-in to an application of the
// type Desktop app: nothing answers there, and the address holds the code (OAuth 2.0
// for iOS & Desktop Apps, developers.google.com/identity/protocols/oauth2/native-app;
// unsure: the page was not at hand, the facts are from memory and from reports of
// 2026).
const (
	googleToken     = "https://oauth2.googleapis.com/token"
	googleAuthorize = "https://accounts.google.com/o/oauth2/v2/auth"
	googleRedirect  = "http://127.0.0.1"
	googleSend      = "https://www.googleapis.com/auth/gmail.send"
)

// Google fills in the endpoints and the scope of a client registered with Google, which
// may send by the Gmail API and nothing else. Google's device codes give no scope of
// mail, and an application has no mailbox of its own.
func Google(c Client) (Client, error) {
	if c.Grant != AuthorizationCode {
		return c, fmt.Errorf("at Google a user signs in: choose %s", AuthorizationCode)
	}
	if c.Secret.IsZero() {
		return c, fmt.Errorf("missing client_secret: an application at Google has one")
	}
	c.TokenURL, c.AuthorizeURL, c.RedirectURL, c.Scopes = googleToken, googleAuthorize, googleRedirect, []string{googleSend}
	return c, c.Validate()
}
