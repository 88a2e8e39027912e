package smtpd

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// CA is a certificate authority that lives as long as the process: its key is
// never written anywhere.
type CA struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewCA makes a CA with an ECDSA P-256 key, valid from an hour ago for a day.
func NewCA() (*CA, error) {
	now := time.Now()
	return NewCAValid("relayhost embedded CA", now.Add(-time.Hour), now.Add(24*time.Hour))
}

// NewCAValid is [NewCA] with a name and a period of validity of its own.
func NewCAValid(name string, from, until time.Time) (*CA, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a CA key: %w", err)
	}
	t := template(from, until)
	t.Subject = pkix.Name{CommonName: name}
	t.IsCA, t.BasicConstraintsValid = true, true
	t.KeyUsage = x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("sign a CA certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read back the CA certificate: %w", err)
	}
	return &CA{cert: cert, key: key}, nil
}

// PEM returns the CA's certificate in the form of a CA file.
func (ca *CA) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw})
}

// Pool returns a pool that holds this CA alone.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	return pool
}

// Issue makes a server certificate for DNS names and IP addresses, valid now.
func (ca *CA) Issue(names ...string) (tls.Certificate, error) {
	now := time.Now()
	return ca.IssueValid(now.Add(-time.Hour), now.Add(23*time.Hour), names...)
}

// IssueValid is [CA.Issue] with a period of validity, so that expired and
// not yet valid certificates can be had.
func (ca *CA) IssueValid(from, until time.Time, names ...string) (tls.Certificate, error) {
	return issue(ca.cert, ca.key, from, until, names)
}

// SelfSigned makes a certificate that no CA has signed.
func SelfSigned(names ...string) (tls.Certificate, error) {
	now := time.Now()
	return issue(nil, nil, now.Add(-time.Hour), now.Add(23*time.Hour), names)
}

// ServerTLS returns a server's TLS configuration, from TLS 1.2 up. The
// certificate is chosen by the name that the client asks for, else the first.
func ServerTLS(certs ...tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: certs, MinVersion: tls.VersionTLS12}
}

// issue signs with the parent, or with the certificate's own key if there is none.
func issue(parent *x509.Certificate, signer *ecdsa.PrivateKey, from, until time.Time, names []string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a certificate key: %w", err)
	}
	t := template(from, until)
	t.KeyUsage = x509.KeyUsageDigitalSignature
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
			continue
		}
		t.DNSNames = append(t.DNSNames, name)
	}
	if len(names) > 0 {
		t.Subject = pkix.Name{CommonName: names[0]}
	}
	if parent == nil {
		parent, signer = t, key
	}
	der, err := x509.CreateCertificate(rand.Reader, t, parent, key.Public(), signer)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("sign a certificate for %v: %w", names, err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

func template(from, until time.Time) *x509.Certificate {
	// 62 bits of the clock tell the certificates of one run apart.
	serial := big.NewInt(time.Now().UnixNano())
	return &x509.Certificate{SerialNumber: serial, NotBefore: from, NotAfter: until}
}
