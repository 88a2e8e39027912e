package relays

import "testing"

func TestRecordFor(t *testing.T) {
	for _, tt := range []struct {
		relay        string
		index        int
		name, ending string
		ok           bool
	}{
		{"brevo", 0, "brevo1._domainkey.mail.example.com", "b1.mail-example-com.dkim.brevo.com", true},
		{"sendgrid", 1, "s2._domainkey.mail.example.com", ".sendgrid.net", true},
		{"gmail-relay", 0, "google._domainkey.mail.example.com", "", true},
		{"ses", 0, "", "", false},
		{"mailgun", 0, "", "", false},
	} {
		r, err := Get(tt.relay)
		if err != nil {
			t.Fatal(err)
		}
		name, ending, ok := r.DNS.DKIM[tt.index].For("mail.example.com.")
		if name != tt.name || ending != tt.ending || ok != tt.ok {
			t.Errorf("%s: %q %q %v, want %q %q %v", tt.relay, name, ending, ok, tt.name, tt.ending, tt.ok)
		}
	}
	if name, _, _ := (Record{Type: "TXT", Name: "@"}).For("example.com"); name != "example.com" {
		t.Errorf("the domain itself: got %q, want %q", name, "example.com")
	}
}
