package postfix

import (
	"os"
	"path/filepath"
	"testing"

	"relayhost/internal/host"
)

// TestCABundle: each family's file, as Postfix will be told it: on RHEL not the
// link, which Fedora has dropped.
func TestCABundle(t *testing.T) {
	tests := []struct{ name, file, link, want string }{
		{"none", "", "", ""},
		{"Debian, Ubuntu, Arch", "/etc/ssl/certs/ca-certificates.crt", "", "/etc/ssl/certs/ca-certificates.crt"},
		{"RHEL, Fedora, Amazon Linux", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"},
		{"Fedora 44, without the link", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"},
		{"the link's path only", "/etc/pki/tls/certs/ca-bundle.crt", "", "/etc/pki/tls/certs/ca-bundle.crt"},
		{"openSUSE", "/var/lib/ca-certificates/ca-bundle.pem", "/etc/ssl/ca-bundle.pem", "/etc/ssl/ca-bundle.pem"},
		{"Alpine, minimal", "/etc/ssl/cert.pem", "", "/etc/ssl/cert.pem"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			for _, path := range []string{tt.file, tt.link} {
				if err := os.MkdirAll(filepath.Dir(filepath.Join(root, path)), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			if tt.file != "" {
				if err := os.WriteFile(filepath.Join(root, tt.file), []byte("x\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if tt.link != "" {
				target, err := filepath.Rel(filepath.Dir(tt.link), tt.file)
				if err == nil {
					err = os.Symlink(target, filepath.Join(root, tt.link))
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if got := CABundle(&host.Reader{Root: root}); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}
