package lab

import (
	"crypto/tls"
	"encoding/pem"
	"time"

	"relayhost/internal/smtpd"
)

// CA is the certificate authority of one lab. It and what it issues are valid for years,
// before now and after: servers have clocks of their own.
type CA struct {
	PEM []byte // its certificate
	ca  *smtpd.CA
}

func newCA() (*CA, error) {
	now := time.Now()
	ca, err := smtpd.NewCAValid("relayhost lab CA", now.AddDate(-2, 0, 0), now.AddDate(2, 0, 0))
	if err != nil {
		return nil, err
	}
	return &CA{ca.PEM(), ca}, nil
}

// Issue makes a certificate for host names or addresses.
func (ca *CA) Issue(names []string) (tls.Certificate, error) {
	now := time.Now()
	return ca.issue(now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0), names)
}

// issue is Issue with a period of validity. The chain has the CA as well, as those of
// many relays do.
func (ca *CA) issue(from, until time.Time, names []string) (tls.Certificate, error) {
	cert, err := ca.ca.IssueValid(from, until, names...)
	if err != nil {
		return tls.Certificate{}, err
	}
	root, _ := pem.Decode(ca.PEM)
	cert.Certificate = append(cert.Certificate, root.Bytes)
	return cert, nil
}
