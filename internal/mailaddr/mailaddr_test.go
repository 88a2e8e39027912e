package mailaddr

import (
	"fmt"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	long := strings.Repeat("a", 63)
	for s, want := range map[string]struct{ name, domain, host bool }{
		"smtp.example.com":               {true, true, true},
		"vm":                             {true, true, true},
		"SMTP.Example.COM":               {true, true, true},
		"1.example.com":                  {true, true, true},
		"":                               {},
		"smtp.example.com.":              {},
		"a..b":                           {},
		"-a.example":                     {},
		"a-.example":                     {},
		"a_b.example":                    {},
		"a b.example":                    {},
		"exämple.com":                    {},
		"192.0.2.1":                      {name: true, host: true},
		"192.0.2":                        {name: true},
		"2001:db8::1":                    {host: true},
		"fe80::1%eth0":                   {},
		"[192.0.2.1]":                    {},
		"xn--bcher-kva.example":          {true, true, true},
		"xn--a.example":                  {name: true},
		long + ".example":                {true, true, true},
		long + "a.example":               {},
		strings.Repeat("a.", 126) + "a":  {true, true, true},
		strings.Repeat("a.", 126) + "aa": {},
	} {
		t.Run(s, func(t *testing.T) {
			if got := IsName(s); got != want.name {
				t.Errorf("IsName(%q) = %v, want %v", s, got, want.name)
			}
			if got := IsDomain(s); got != want.domain {
				t.Errorf("IsDomain(%q) = %v, want %v", s, got, want.domain)
			}
			if got := IsHost(s); got != want.host {
				t.Errorf("IsHost(%q) = %v, want %v", s, got, want.host)
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	for s, want := range map[string]struct{ local, address bool }{
		"alerts@example.com":                     {true, true},
		"a.b+c=d@example.com":                    {true, true},
		"root@host":                              {local: true},
		"a@192.0.2.1":                            {local: true},
		"a!b@example.com":                        {local: true},
		"a%b@example.com":                        {local: true},
		"$a@example.com":                         {local: true},
		"a..b@example.com":                       {},
		".a@example.com":                         {},
		"a b@example.com":                        {},
		"\"a\"@example.com":                      {},
		"a\r\nb@example.com":                     {},
		"@example.com":                           {},
		"a>@example.com":                         {},
		"ä@example.com":                          {},
		"a@b@example.com":                        {local: true},
		"a":                                      {local: true},
		strings.Repeat("a", 64) + "@example.com": {true, true},
		strings.Repeat("a", 65) + "@example.com": {},
		strings.Repeat("a", 60) + "@" + strings.Repeat("a.", 97) + "a": {local: true},
	} {
		t.Run(s, func(t *testing.T) {
			local, _, _ := strings.Cut(s, "@")
			if got := IsLocal(local); got != want.local {
				t.Errorf("IsLocal(%q) = %v, want %v", local, got, want.local)
			}
			if got := IsAddress(s); got != want.address {
				t.Errorf("IsAddress(%q) = %v, want %v", s, got, want.address)
			}
		})
	}
}

func TestCheckPath(t *testing.T) {
	for s, want := range map[string]bool{
		"a@b.test": true, "first.last+tag@mail.example.com": true, "SRS0=x/y=z@example.com": true, "a@localhost": true,
		"a%b@example.com": true, "": false, "a": false, "a@": false, "@b.test": false, "a>@b.test": false, "a@b.test>": false,
		"a\r\n@b.test": false, "a@b.test\x00": false, "\"a\"@b.test": false, "a@b@c.test": false, "a@[192.0.2.1]": false,
		strings.Repeat("a", 65) + "@b.test": false, "a@" + strings.Repeat("a.", 126) + "a": false,
	} {
		t.Run(s, func(t *testing.T) {
			if err := CheckPath(s); (err == nil) != want {
				t.Errorf("CheckPath(%q) = %v, want it to pass: %v", s, err, want)
			}
		})
	}
}

func TestQualified(t *testing.T) {
	for name, want := range map[string]bool{
		"a.example.net": true, "A.Example.NET": true, "ip-10-0-0-1.ec2.internal": true, "a.b": true,
		"": false, "a": false, "localhost": false, "localhost.localdomain": false, "a.local": false, "a..b": false, "-a.b": false, "a_b.c": false,
		"192.0.2.1": false, "localhost.example.net": false, "a.example.net.": false, strings.Repeat("a.", 127) + "net": false,
	} {
		t.Run(fmt.Sprintf("%.30q", name), func(t *testing.T) {
			if got := Qualified(name); got != want {
				t.Errorf("Qualified(%q) = %v, want %v", name, got, want)
			}
		})
	}
}
