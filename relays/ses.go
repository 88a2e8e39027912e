//go:build unix

package relays

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
)

// SESPassword makes the SMTP password of Amazon SES from an IAM user's secret
// access key. It holds in that one region and needs no network.
//
// AWS's own steps: aws-doc-sdk-examples, ses_generate_smtp_credentials.py, and
// docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html, read 2026-11-21.
func SESPassword(secretAccessKey, region string) string {
	const version = 0x04
	key := []byte("AWS4" + secretAccessKey)
	for _, message := range []string{"11111111", region, "ses", "aws4_request", "SendRawEmail"} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(message))
		key = mac.Sum(nil)
	}
	return base64.StdEncoding.EncodeToString(append([]byte{version}, key...))
}
