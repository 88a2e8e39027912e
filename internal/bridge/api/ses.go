//go:build unix

package api

import (
	"context"
	"encoding/hex"
	"net/http"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"relayhost/internal/bridge/conf"
)

// ses is SendEmail of version 2 with raw content. Errors by the operation's page
// and by the SDKs' models (docs.rs, aws-sdk-sesv2 1.26, SendEmailError; AWS SDK for
// .NET 3, SimpleEmailV2). Limits: Service quotas in Amazon SES. That the addresses of
// Destination are the envelope of a raw message, whatever its headers say: unsure,
// as SendRawEmail of version 1 does. SendEmail has no idempotency token.
var ses = API{
	API: known("ses"),
	build: func(m *Message, a Account) (*call, error) {
		body := object{}
		if m.From != "" {
			body = append(body, member{"FromEmailAddress", m.From})
		}
		body = append(body,
			member{"Destination", object{{"ToAddresses", m.To}}},
			member{"Content", object{{"Raw", object{{"Data", wholeBase64(m)}}}}},
		)
		if set := a.Get(conf.Stream); set != "" {
			body = append(body, member{"ConfigurationSetName", set})
		}
		return &call{path: "/v2/email/outbound-emails", body: jsonPayload(body)}, nil
	},
	sign: signAWS,
	result: func(ans *answer, _ *Message) (result, bool) {
		id := ans.text("MessageId")
		return result{id: id}, id != ""
	},
	check: func(Account) check {
		// A role that may send and not look is refused after its signature held.
		return check{call: call{path: "/v2/email/account"}, allowed: []string{"AccessDeniedException"}}
	},
}

// signAWS signs by Signature Version 4 (AWS General Reference). A signer that is used
// again would go on with the key that it derived from the secret of before.
func signAWS(ctx context.Context, r *http.Request, s signing) error {
	keys, err := s.account.Keys.Get(ctx)
	if err != nil {
		return err
	}
	return v4.NewSigner().SignHTTP(ctx, keys, r, hex.EncodeToString(s.digest.sha256[:]), "ses", s.account.Get(conf.Region), s.now)
}
