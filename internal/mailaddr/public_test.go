package mailaddr

import (
	"fmt"
	"testing"
)

// Whoever owns a domain publishes its records; that of a mail service for everybody is
// nobody's own. A name that only begins like one is.
func TestIsPublic(t *testing.T) {
	for domain, want := range map[string]bool{
		"gmail.com": true, "GMX.de": true, "pm.me": true, "icloud.com": true, "fastmail.com": true,
		"yahoo.de": true, "yahoo.co.uk": true, "hotmail.com.br": true, "live.nl": true,
		"example.com": false, "gmail.com.example.com": false, "mail.example.com": false, "yahoo.example": false,
		"live.example.com": false, "live.co.example.uk": false, "notgmail.com": false, "": false,
	} {
		t.Run(fmt.Sprintf("%q", domain), func(t *testing.T) {
			if got := IsPublic(domain); got != want {
				t.Errorf("%q: got %v, want %v", domain, got, want)
			}
		})
	}
}

// Every domain of the list has its source, and stands there once.
func TestPublicMailSources(t *testing.T) {
	seen := map[string]bool{}
	for _, service := range publicMail {
		if service.source == "" || len(service.domains) == 0 {
			t.Errorf("%+v: want a source and domains", service)
		}
		for _, d := range service.domains {
			if !IsHost(d) || seen[d] {
				t.Errorf("%q: got host name %v, listed before %v, want true and false", d, IsHost(d), seen[d])
			}
			seen[d] = true
		}
	}
}
