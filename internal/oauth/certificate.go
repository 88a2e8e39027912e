//go:build unix

package oauth

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"time"

	"relayhost/internal/secret"
)

// CertificateError is a client certificate that cannot be used, with what makes one that
// can. It holds nothing of the key.
type CertificateError struct {
	Why string // "holds no private key"
	Fix string // an imperative
}

func (e *CertificateError) Error() string { return "client_certificate " + e.Why }

// Private key and certificate are one file (RFC 7468), the key first or last.
const (
	both     = "the file holds both: cat key.pem cert.pem > m365.pem"
	makeAnew = "make a new one: openssl req -x509 -newkey rsa:3072 -nodes -days 730 -subj /CN=relayhost -keyout key.pem -out cert.pem"
	setClock = "set this server's clock (timedatectl set-ntp true, or chrony)"
)

// clockSlack is by how much two clocks may differ before a certificate counts as one of
// the future. Microsoft's services grant five minutes.
const clockSlack = 5 * time.Minute

// CheckCertificate reports what is wrong with the text of a file that is to hold a private
// key and its certificate (PEM), and when the certificate ends. Errors are
// CertificateErrors.
func CheckCertificate(text secret.Value, now time.Time) (ends time.Time, err error) {
	pair, err := keyPair(text)
	if err != nil {
		return ends, err
	}
	return pair.Leaf.NotAfter, inTime(pair.Leaf, now)
}

// certificateEnd is when a client certificate ends.
func certificateEnd(text secret.Value) (time.Time, error) {
	pair, err := keyPair(text)
	if err != nil {
		return time.Time{}, err
	}
	return pair.Leaf.NotAfter, nil
}

// inTime reports a certificate that has ended, or has not begun.
func inTime(leaf *x509.Certificate, now time.Time) error {
	switch {
	case now.After(leaf.NotAfter):
		return &CertificateError{"ended on " + leaf.NotAfter.UTC().Format(time.DateOnly), "make a new one, and upload its certificate under Certificates & secrets"}
	case now.Add(clockSlack).Before(leaf.NotBefore):
		return &CertificateError{fmt.Sprintf("is valid from %s, and this server's clock says %s", leaf.NotBefore.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339)), setClock}
	}
	return nil
}

// keyPair is the private key and its certificate.
func keyPair(text secret.Value) (tls.Certificate, error) {
	data := []byte(text.Reveal())
	if err := form(data); err != nil {
		return tls.Certificate{}, err
	}
	pair, err := tls.X509KeyPair(data, data)
	switch {
	case err != nil && strings.Contains(err.Error(), "does not match"):
		return pair, &CertificateError{"holds the key of another certificate", "put the key that was made together with the certificate into the file"}
	case err != nil:
		return pair, &CertificateError{"holds a private key or certificate that cannot be read", makeAnew}
	}
	signer, ok := pair.PrivateKey.(crypto.Signer)
	if ok {
		switch key := signer.Public().(type) {
		case *rsa.PublicKey:
			return pair, nil
		case *ecdsa.PublicKey:
			if key.Curve == elliptic.P256() {
				return pair, nil
			}
		}
	}
	return pair, &CertificateError{"has a key that is neither RSA nor P-256", makeAnew}
}

// form tells what a file holds where it does not hold a key and a certificate.
func form(data []byte) error {
	certificates, keys := 0, 0
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		switch {
		case block.Type == "ENCRYPTED PRIVATE KEY", strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
			return &CertificateError{"holds a key that is encrypted with a password", "take the password off: openssl pkey -in key.pem -out plain.pem; cat plain.pem cert.pem > m365.pem"}
		case block.Type == "CERTIFICATE":
			certificates++
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			keys++
		}
	}
	switch {
	case certificates > 0 && keys > 0:
		return nil
	case certificates > 0:
		return &CertificateError{"holds a certificate and no private key", both}
	case keys > 0:
		return &CertificateError{"holds a private key and no certificate", both}
	case len(bytes.TrimSpace(data)) == 0:
		return &CertificateError{"is empty", both}
	case data[0] != 0x30: // an ASN.1 SEQUENCE, as all binary forms are
		return &CertificateError{"is no PEM of a private key and its certificate", both}
	}
	if _, err := x509.ParseCertificate(data); err == nil {
		return &CertificateError{"is a certificate in DER form, without private key", "convert it: openssl x509 -inform der -in FILE -out cert.pem; cat key.pem cert.pem > m365.pem"}
	}
	return &CertificateError{"is in a binary form, PFX (PKCS #12) perhaps", "convert it: openssl pkcs12 -in FILE -nodes -out m365.pem"}
}
