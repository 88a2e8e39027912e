//go:build unix

package smtpprobe

import (
	"cmp"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"strings"
	"time"
)

// Distrust says why the certificate does not verify.
func (res Result) Distrust() string {
	switch {
	case errors.Is(res.Err, ErrPin):
		return "it is not the one with the fingerprint that was given"
	case res.Fault == FaultExpired:
		return "it is not valid now"
	case res.Fault == FaultWrongName:
		return "it is for another name"
	}
	return "it is self-signed or from an unknown CA"
}

// CertificateLines are what a person compares, a line each.
func CertificateLines(c *x509.Certificate) []string {
	names := cmp.Or(strings.Join(c.DNSNames, ", "), c.Subject.CommonName)
	return []string{
		"subject      " + Sanitize(cmp.Or(c.Subject.String(), "(none)")),
		"names        " + Sanitize(names),
		"issuer       " + Sanitize(cmp.Or(c.Issuer.String(), "(none)")),
		"valid        " + c.NotBefore.UTC().Format(time.DateOnly) + " to " + c.NotAfter.UTC().Format(time.DateOnly),
		"SHA-256      " + Fingerprint(c),
	}
}

// Fingerprint is the SHA-256 of a certificate in hex.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}
