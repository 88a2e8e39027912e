package bridge_test

import (
	"context"

	"relayhost/internal/oauth"
	"relayhost/internal/secret"
)

func refusing(context.Context, secret.Value) (secret.Value, error) {
	return secret.Value{}, &oauth.Refusal{Host: "login.microsoftonline.com", Status: 400, Code: "invalid_grant", Number: "50173", Text: "AADSTS50173: The provided grant has expired"}
}
