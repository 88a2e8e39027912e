package smtpd

import (
	"crypto/tls"
	"crypto/x509"
	"testing"
	"time"
)

func TestCA(t *testing.T) {
	now := time.Now()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(testCA.PEM()) {
		t.Fatal("PEM of the CA: got no certificate in it, want one")
	}
	tests := []struct {
		name  string
		issue func() (tls.Certificate, error)
		host  string
		ok    bool
	}{
		{"right", func() (tls.Certificate, error) { return testCA.Issue("a.test", "b.test") }, "b.test", true},
		{"wildcard", func() (tls.Certificate, error) { return testCA.Issue("*.relay.test") }, "x.relay.test", true},
		{"address", func() (tls.Certificate, error) { return testCA.Issue("127.0.0.1") }, "127.0.0.1", true},
		{"wrong name", func() (tls.Certificate, error) { return testCA.Issue("a.test") }, "b.test", false},
		{"self-signed", func() (tls.Certificate, error) { return SelfSigned("a.test") }, "a.test", false},
		{"expired", func() (tls.Certificate, error) {
			return testCA.IssueValid(now.Add(-48*time.Hour), now.Add(-24*time.Hour), "a.test")
		}, "a.test", false},
		{"not yet valid", func() (tls.Certificate, error) {
			return testCA.IssueValid(now.Add(24*time.Hour), now.Add(48*time.Hour), "a.test")
		}, "a.test", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cert, err := tt.issue()
			if err != nil {
				t.Fatal(err)
			}
			leaf, err := x509.ParseCertificate(cert.Certificate[0])
			if err != nil {
				t.Fatal(err)
			}
			_, err = leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: tt.host})
			if (err == nil) != tt.ok {
				t.Errorf("Verify for %s: got %v, want success: %v", tt.host, err, tt.ok)
			}
		})
	}
}
