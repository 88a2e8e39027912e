//go:build unix

package api

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"relayhost/internal/bridge/conf"
)

// oci is submitRawEmail of the Email Delivery submission API, version 20220926
// (parameters: OCI CLI reference, submit-raw-email; path and answer: the Java SDK of
// 2026). The request is signed by Oracle's form of HTTP signatures (Request
// signatures, docs.oracle.com/en-us/iaas/Content/API/Concepts/signingrequests.htm).
// The limit of 2 MB is the default, which a limit increase raises.
var oci = API{
	API: known("oci"),
	build: func(m *Message, a Account) (*call, error) {
		sender := m.From
		if sender == "" {
			return nil, refuse("5.7.1", "this API wants a sender, and the message has none")
		}
		return &call{
			path:   "/20220926/actions/submitRawEmail",
			header: map[string]string{"Compartment-Id": a.Get(conf.Compartment), "Sender": sender, "Recipients": strings.Join(m.To, ",")},
			body:   rawPayload("message/rfc822", m),
		}, nil
	},
	sign: signOCI,
	result: func(ans *answer, _ *Message) (result, bool) {
		r := result{id: ans.text("envelopeId"), refused: map[string]Reply{}}
		for _, e := range ans.items("suppressedRecipients") {
			address, _ := e.(string)
			if address == "" {
				address = textAt(e, "email")
			}
			r.refused[address] = Reply{550, "5.7.1", "the address is on the suppression list of the tenancy"}
		}
		return r, r.id != ""
	},
}

func signOCI(_ context.Context, r *http.Request, s signing) error {
	block, _ := pem.Decode([]byte(s.account.Key.Reveal()))
	if block == nil {
		return errors.New("private_key is no PEM")
	}
	var key *rsa.PrivateKey
	if k, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		key = k
	} else if k, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		key, _ = k.(*rsa.PrivateKey)
	}
	if key == nil {
		return errors.New("private_key is no RSA key without a passphrase")
	}
	date := s.now.UTC().Format(http.TimeFormat)
	hash := base64.StdEncoding.EncodeToString(s.digest.sha256[:])
	r.Header.Set("Date", date)
	r.Header.Set("X-Content-Sha256", hash)
	lines := []string{
		"date: " + date, "(request-target): " + strings.ToLower(r.Method) + " " + r.URL.RequestURI(), "host: " + r.URL.Host,
		fmt.Sprintf("content-length: %d", s.digest.length), "content-type: " + r.Header.Get("Content-Type"), "x-content-sha256: " + hash,
	}
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		return err
	}
	a := s.account
	r.Header.Set("Authorization", fmt.Sprintf(
		`Signature version="1",keyId="%s/%s/%s",algorithm="rsa-sha256",headers="date (request-target) host content-length content-type x-content-sha256",signature="%s"`,
		a.Get(conf.Tenancy), a.Get(conf.Login), a.Get(conf.Fingerprint), base64.StdEncoding.EncodeToString(signature)))
	return nil
}
