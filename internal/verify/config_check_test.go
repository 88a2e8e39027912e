package verify

import (
	"testing"

	"relayhost/internal/lint"
)

// TestToldBy: a fault of a table that the check "maps" tells is not told again, and that
// of another table is, whatever the words of the two.
func TestToldBy(t *testing.T) {
	const param, table = "smtp_sasl_password_maps", "hash:/etc/postfix/sasl_passwd"
	entry := about("map_key_mismatch", param, table, "the password table has no entry for [relay.test]:587")
	warning := entry
	warning.Result = Warn
	unnamed := about("map_key_mismatch", param, "", entry.Detail)
	for _, c := range []struct {
		name string
		f    lint.Subject
		by   Finding
		want bool
	}{
		{"the same table", lint.Subject{Rule: "map_key_mismatch", Parameter: param, Table: table}, entry, true},
		{"another table", lint.Subject{Rule: "map_key_mismatch", Parameter: param, Table: "hash:/etc/postfix/other"}, entry, false},
		{"a table whose name goes on", lint.Subject{Rule: "map_key_mismatch", Parameter: param, Table: table + "2"}, entry, false},
		{"another rule", lint.Subject{Rule: "table_no_colon", Parameter: param, Table: table}, entry, false},
		{"another parameter", lint.Subject{Rule: "map_key_mismatch", Parameter: "lmtp_sasl_password_maps", Table: table}, entry, false},
		{"a warning", lint.Subject{Rule: "map_key_mismatch", Parameter: param, Table: table}, warning, false},
		{"one of several tables", lint.Subject{Rule: "map_key_mismatch", Parameter: param, Table: table}, unnamed, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := (Finding{Check: "config", Cause: c.f.Rule, about: c.f}).toldBy(c.by); got != c.want {
				t.Errorf("got %t, want %t", got, c.want)
			}
		})
	}
}
