package lint_test

import (
	"strings"
	"testing"

	"relayhost/internal/lint"
)

// TestTLSOf: the level in the order of smtp(8), with what sets it.
func TestTLSOf(t *testing.T) {
	const policies, sites = "hash:/p", "hash:/s"
	maps, old := "smtp_tls_policy_maps = "+policies, "smtp_tls_per_site = "+sites
	for _, tt := range []struct {
		name, main, hop string
		tables          string // "table key value", one a line
		want, by, words string
	}{
		{name: "nothing", want: "none", by: "smtp_tls_security_level is not set"},
		{name: "the level", main: "smtp_tls_security_level = Encrypt", want: "encrypt", by: "smtp_tls_security_level = encrypt"},
		{name: "the level before its old forms", main: "smtp_tls_security_level = may, smtp_enforce_tls = yes", want: "may", by: "smtp_tls_security_level = may"},
		{name: "enforce", main: "smtp_enforce_tls = yes, smtp_tls_enforce_peername = yes", want: "verify", by: "smtp_enforce_tls = yes"},
		{name: "enforce any name", main: "smtp_enforce_tls = yes, smtp_tls_enforce_peername = no", want: "encrypt", by: "smtp_enforce_tls = yes"},
		{name: "use", main: "smtp_use_tls = yes", want: "may", by: "smtp_use_tls = yes"},
		{name: "policy", main: maps + ", smtp_tls_security_level = may", tables: policies + " [a.example]:587 Secure match=nexthop ciphers=high", want: "secure", by: "Secure in hash:/p", words: "match=nexthop ciphers=high"},
		{name: "policy of another next hop", main: maps + ", smtp_tls_security_level = may", tables: policies + " [a.example] secure", want: "may", by: "smtp_tls_security_level = may"},
		{name: "policy of a parent", main: maps, hop: "a.b.example", tables: policies + " .b.example encrypt", want: "encrypt", by: "encrypt in hash:/p"},
		{name: "policy of a part of an address", main: maps, hop: "192.0.2.1", tables: policies + " .2.1 secure", want: "none", by: "smtp_tls_security_level is not set"},
		{name: "policy, its attributes as Postfix reads them", main: maps, tables: policies + " [a.example]:587 secure,Match={nexthop} { ciphers  =  high } connection_reuse=yes CONNECTION_REUSE=no",
			want: "secure", by: "secure in hash:/p", words: "match={nexthop} ciphers=high connection_reuse=yes connection_reuse=no"},
		{name: "policy without TLS has no attributes", main: maps, tables: policies + " [a.example]:587 none ciphers=high ciphers=low", want: "none", by: "none in hash:/p"},
		{name: "policy without a level", main: maps + ", smtp_tls_security_level = may", tables: policies + " [a.example]:587 ", want: "", by: " in hash:/p"},
		{name: "a policy table hides the old one", main: maps + ", " + old, tables: sites + " a.example MUST", want: "none", by: "smtp_tls_security_level is not set"},
		{name: "per site by name", main: old + ", smtp_tls_security_level = may", tables: sites + " a.example MUST", want: "verify", by: "MUST in hash:/s"},
		{name: "per site, the stronger", main: old, tables: sites + " [a.example]:587 must_nopeermatch\n" + sites + " a.example NONE", want: "encrypt", by: "must_nopeermatch in hash:/s"},
		{name: "per site, none before may", main: old + ", smtp_tls_security_level = may", tables: sites + " [a.example]:587 MAY\n" + sites + " a.example NONE", want: "none", by: "NONE in hash:/s"},
		{name: "per site may, a stronger level", main: old + ", smtp_tls_security_level = encrypt", tables: sites + " a.example MAY", want: "encrypt", by: "smtp_tls_security_level = encrypt"},
		{name: "per site, no such word", main: old + ", smtp_tls_security_level = encrypt", tables: sites + " [a.example]:587 MUST\n" + sites + " a.example YES", want: "yes", by: "YES in hash:/s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			params, entries := map[string]string{}, map[string]string{}
			for _, line := range strings.Split(tt.main, ", ") {
				name, value, _ := strings.Cut(line, " = ")
				params[name] = value
			}
			for _, line := range strings.Split(tt.tables, "\n") {
				if f := strings.SplitN(line, " ", 3); len(f) == 3 {
					entries[f[0]+" "+f[1]] = f[2]
				}
			}
			hop := tt.hop
			if hop == "" {
				hop = "[a.example]:587"
			}
			got := lint.TLSOf("smtp_", hop, func(name string) string { return params[name] }, func(maps, key string) (string, string, bool) {
				value, ok := entries[maps+" "+key]
				return value, maps, ok
			})
			if got.Level != tt.want || got.By != tt.by || strings.Join(got.Words, " ") != tt.words {
				t.Errorf("got %q by %q with %q, want %q by %q with %q", got.Level, got.By, got.Words, tt.want, tt.by, tt.words)
			}
		})
	}
}

// TestPolicyFault: an entry that Postfix does not take, by the warnings of
// tls_policy_lookup_one in src/smtp/smtp_tls_policy.c.
func TestPolicyFault(t *testing.T) {
	for _, tt := range []struct{ entry, want, reuse string }{
		{"secure match=nexthop match=hostname tafile=/a tafile=/b", "", ""},
		{"secure connection_reuse=yes connection_reuse=no", "", "no"},
		{"secure connection_reuse=no Connection_Reuse=yes", "", "yes"},
		{"encrypt servername=relay.test ciphers=high protocols=TLSv1.3 exclude=", "", ""},
		{"secure policy_type=sts policy_domain=a.test policy_string={ version: STSv1 } mx_host_pattern=*.a.test", "", ""},
		{"secure ciphers=high ciphers=low", "ciphers is given more than once", ""},
		{"may protocols=TLSv1.3 PROTOCOLS=TLSv1.2", "protocols is given more than once", ""},
		{"secure servername=a.test servername=b.test", "servername is given more than once", ""},
		{"secure servername=a..test", "servername=a..test is no host name", ""},
		{"secure exclude=a exclude=b", "exclude is given more than once", ""},
		{"secure match=", "match is empty", ""},
		{"encrypt match=nexthop", "match does not go with the level encrypt", ""},
		{"fingerprint match=AA|BB tafile=/a", "tafile does not go with the level fingerprint", ""},
		{"secure connection_reuse=maybe", "connection_reuse=maybe is not yes or no", "maybe"},
		{"secure nexthop", "nexthop is no name=value", ""},
		{"secure match = nexthop", "match is no name=value", ""},
		{"secure {match=nexthop", "{match=nexthop has no closing brace", ""},
		{"secure cipher=high", "Postfix has no attribute cipher", ""},
		{"none ciphers=high ciphers=low", "", ""},
		{"secret cipher=high", "", ""}, // the level is the fault
	} {
		t.Run(tt.entry, func(t *testing.T) {
			got := lint.TLSOf("smtp_", "[a.example]:587", func(name string) string { return map[string]string{"smtp_tls_policy_maps": "hash:/p"}[name] },
				func(maps, _ string) (string, string, bool) { return tt.entry, maps, true })
			if got.Fault != tt.want || got.Attribute("connection_reuse") != tt.reuse {
				t.Errorf("got the fault %q and connection_reuse %q, want %q and %q", got.Fault, got.Attribute("connection_reuse"), tt.want, tt.reuse)
			}
		})
	}
}

func TestPolicyKeys(t *testing.T) {
	for nextHop, want := range map[string]string{
		"[a.example]:587": "[a.example]:587", "a.b.example": "a.b.example .b.example .example", "a_b.example": "a_b.example .example", "localhost": "localhost", "": "",
		"a.example:587": "a.example:587", "192.0.2.1": "192.0.2.1", "[192.0.2.1]:587": "[192.0.2.1]:587", "1.2.3.4.example": "1.2.3.4.example .2.3.4.example .3.4.example .4.example .example",
		"unix:private/x.y": "unix:private/x.y", "-a.example": "-a.example", "a..example": "a..example", "bücher.example": "bücher.example .example",
	} {
		t.Run(nextHop, func(t *testing.T) {
			if got := strings.Join(lint.PolicyKeys(nextHop), " "); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// TestLostCertificate: the parameter whose file smtp(8) would look for in vain.
func TestLostCertificate(t *testing.T) {
	exists := func(path string) (exists, known bool) {
		return strings.HasSuffix(path, "there.pem"), !strings.HasPrefix(path, "/closed/")
	}
	for name, tt := range map[string]struct {
		params map[string]string
		want   string
	}{
		"none":                     {map[string]string{}, ""},
		"certificate":              {map[string]string{"smtp_tls_cert_file": "/a.pem", "smtp_tls_key_file": "/b.pem"}, "smtp_tls_cert_file /a.pem"},
		"key":                      {map[string]string{"smtp_tls_cert_file": "/there.pem", "smtp_tls_key_file": "/b.pem"}, "smtp_tls_key_file /b.pem"},
		"key alone is not read":    {map[string]string{"smtp_tls_key_file": "/b.pem"}, ""},
		"both are there":           {map[string]string{"smtp_tls_cert_file": "/there.pem", "smtp_tls_key_file": "/there.pem"}, ""},
		"elliptic curves":          {map[string]string{"smtp_tls_cert_file": "/there.pem", "smtp_tls_eccert_file": "/c.pem"}, "smtp_tls_eccert_file /c.pem"},
		"a chain hides the others": {map[string]string{"smtp_tls_chain_files": "/there.pem, /d.pem", "smtp_tls_cert_file": "/a.pem"}, "smtp_tls_chain_files /d.pem"},
		"nobody may look":          {map[string]string{"smtp_tls_cert_file": "/closed/a.pem"}, ""},
		"below the queue":          {map[string]string{"smtp_tls_cert_file": "a.pem"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			for _, p := range lint.LostCertificate(tt.params, exists) {
				got = strings.TrimSpace(got + " " + p.Name + " " + p.Value)
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
