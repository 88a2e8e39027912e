package verify

import "testing"

// TestToldBy: a fault of a table that the check "maps" tells is not told again, and that
// of another table is.
func TestToldBy(t *testing.T) {
	entry := Finding{Check: "maps", Result: Fail, Cause: "map_key_mismatch", table: "/etc/postfix/sasl_passwd", Detail: "the password table has no entry for [relay.test]:587"}
	warning := entry
	warning.Result = Warn
	unnamed := entry
	unnamed.table = ""
	for _, c := range []struct {
		name, detail string
		by           Finding
		want         bool
	}{
		{"the same table", "/etc/postfix/sasl_passwd, line 1: the key is not looked up", entry, true},
		{"another table", "/etc/postfix/other, line 1: the key is not looked up", entry, false},
		{"a table whose name goes on", "/etc/postfix/sasl_passwd2, line 1: the key is not looked up", entry, false},
		{"a warning", "/etc/postfix/sasl_passwd, line 1: the key is not looked up", warning, false},
		{"no table", "/etc/postfix/sasl_passwd, line 1: the key is not looked up", unnamed, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := (Finding{Check: "config", Cause: "map_key_mismatch", Detail: c.detail}).toldBy(c.by); got != c.want {
				t.Errorf("got %t, want %t", got, c.want)
			}
		})
	}
}
