package relays

import "testing"

// The first four are the public vectors of terraform-provider-aws
// (internal/service/iam/access_key_test.go), the last is AWS's documentation
// key, computed by AWS's own script.
func TestSESPassword(t *testing.T) {
	for _, tt := range []struct{ region, secret, want string }{
		{"eu-central-1", "some+secret+key", "BMXhUYlu5Z3gSXVQORxlVa7XPaz91aGWdfHxvkOZdWZ2"},
		{"eu-central-1", "another+secret+key", "BBbphbrQmrKMx42d1N6+C7VINYEBGI5v9VsZeTxwskfh"},
		{"us-west-1", "some+secret+key", "BH+jbMzper5WwlwUar9E1ySBqHa9whi0GPo+sJ0mVYJj"},
		{"us-west-1", "another+secret+key", "BKVmjjMDFk/qqw8EROW99bjCS65PF8WKvK5bSr4Y6EqF"},
		{"us-east-1", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "BLBM/9hSUELfq8Gw+rU1YcBjkOxGbhT2XG763xVLGWL9"},
	} {
		t.Run(tt.region+" "+tt.secret, func(t *testing.T) {
			got := SESPassword(tt.secret, tt.region)
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			ses, err := Get("ses")
			if err != nil {
				t.Fatal(err)
			}
			if problems := ses.CheckCredentials("AKIAIOSFODNN7EXAMPLE", got); len(problems) > 0 {
				t.Errorf("CheckCredentials of the derived password: got %v, want no problem", problems)
			}
		})
	}
}
