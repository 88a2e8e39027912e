//go:build unix

package smtpprobe

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

func (c *client) startTLS(context.Context) error {
	if _, ok := c.result.Extensions["STARTTLS"]; !ok {
		if c.result.Masked {
			return faultf(FaultNoSTARTTLS, "STARTTLS is not offered: a device in between masks what the server says")
		}
		return faultf(FaultNoSTARTTLS, "STARTTLS is not offered")
	}
	r, err := c.command("STARTTLS")
	if err != nil {
		return err
	}
	if err := c.expect(r, 220, "STARTTLS"); err != nil {
		return err
	}
	if c.br.Buffered() > 0 {
		// Response injection (Poddebniak et al., "Why TLS is better without
		// STARTTLS", 2021): whatever came in clear after the 220 is not the
		// server's.
		return protocolError("bytes came in clear after the reply to STARTTLS")
	}
	return nil
}

// handshake starts TLS and verifies the certificate for the configured name,
// never for one that DNS gave. What was said before is forgotten (RFC 3207,
// section 4.2).
func (c *client) handshake(ctx context.Context) error {
	c.talking = false
	c.result.Extensions, c.result.Auth = nil, nil
	conn := tls.Client(c.conn, c.target.config(func(leaf *x509.Certificate) { c.result.Certificate = leaf }))
	if err := conn.HandshakeContext(ctx); err != nil {
		var unverified *tls.CertificateVerificationError
		if errors.As(err, &unverified) && len(unverified.UnverifiedCertificates) > 0 {
			c.result.Certificate = unverified.UnverifiedCertificates[0]
		}
		return c.target.explainTLS(err)
	}
	c.result.TLSVersion = tls.VersionName(conn.ConnectionState().Version)
	c.result.Certificate = conn.ConnectionState().PeerCertificates[0]
	c.use(conn)
	return nil
}

// config is made for each probe: no session is resumed, so each one
// verifies. Roots that are missing verify nothing; they do not become the
// system's, which environment variables could have moved.
//
// seen gets a certificate that is verified by its fingerprint.
func (t Target) config(seen func(*x509.Certificate)) *tls.Config {
	roots := t.Roots
	if roots == nil {
		roots = x509.NewCertPool()
	}
	conf := &tls.Config{ServerName: t.Name, RootCAs: roots, MinVersion: tls.VersionTLS12}
	if t.Pin != "" {
		conf.InsecureSkipVerify = true //nolint:gosec // the fingerprint is verified in its place
		conf.VerifyConnection = func(state tls.ConnectionState) error {
			leaf := state.PeerCertificates[0]
			seen(leaf)
			return verifyPin(t.Pin, leaf)
		}
	}
	return conf
}

// ErrPin is in the error of a certificate that is not the one of Target.Pin.
var ErrPin = errors.New("the certificate has another fingerprint")

// verifyPin compares SHA-256 of the certificate and of its public key, as
// smtp_tls_fingerprint_cert_match of postconf(5) does from Postfix 2.9 on.
func verifyPin(pin string, leaf *x509.Certificate) error {
	want := strings.ToLower(strings.ReplaceAll(pin, ":", ""))
	cert, key := sha256.Sum256(leaf.Raw), sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
	if want == hex.EncodeToString(cert[:]) || want == hex.EncodeToString(key[:]) {
		return nil
	}
	return &faultError{FaultUntrusted, fmt.Errorf("%w: %x", ErrPin, cert)}
}

// explainTLS says in one sentence why the handshake failed. Text out of a
// certificate is sanitised here.
func (t Target) explainTLS(err error) error {
	var (
		header  tls.RecordHeaderError
		invalid x509.CertificateInvalidError
		name    x509.HostnameError
	)
	switch {
	case errors.As(err, &header) && t.Implicit:
		what := foreign(header.RecordHeader[:])
		if strings.HasPrefix(string(header.RecordHeader[:]), "220") {
			return faultf(FaultTLS, "the port speaks SMTP in clear, not TLS from the first byte")
		}
		if what == "" {
			what = "something else"
		}
		return faultf(FaultNotSMTP, "the port speaks %s, not TLS", what)
	case errors.As(err, &header):
		return protocolError("bytes came in clear in place of the TLS handshake")
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return faultf(FaultExpired, "the certificate is valid from %s to %s, and this host's clock says %s",
			day(invalid.Cert.NotBefore), day(invalid.Cert.NotAfter), day(time.Now()))
	case errors.As(err, &name):
		names := append([]string{}, name.Certificate.DNSNames...)
		for _, ip := range name.Certificate.IPAddresses {
			names = append(names, ip.String())
		}
		return faultf(FaultWrongName, "the certificate is for %s, not for %s",
			Sanitize(strings.Join(names, ", ")), t.Name)
	}
	fault := classify(err)
	if errors.Is(err, ErrPin) || fault == FaultTimeout || fault == FaultReset {
		return err
	}
	return &faultError{fault, errors.New(Sanitize(err.Error()))}
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }
