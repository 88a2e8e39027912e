package host

import (
	"fmt"
	"testing"
)

func TestSELinuxTexts(t *testing.T) {
	for context, want := range map[string]string{
		"system_u:object_r:postfix_exec_t:s0\x00": "postfix_exec_t", "system_u:object_r:bin_t": "bin_t",
		"system_u:object_r:postfix_smtp_exec_t:s0:c0.c1023": "postfix_smtp_exec_t", "": "", "unlabeled": "",
	} {
		t.Run(fmt.Sprintf("%.40q", context), func(t *testing.T) {
			if got := contextType(context); got != want {
				t.Errorf("contextType(%q) = %q, want %q", context, got, want)
			}
		})
	}
	for _, test := range []struct {
		name, answer string
		bit          int
		want, ok     bool
	}{
		{"allowed", "4 ffffffff 0 ffffffff 7 0", 3, true, true},
		{"not allowed", "4 ffffffff 0 ffffffff 7 0", 2, false, true},
		{"last bit", "80000000 ffffffff 0 ffffffff 7", 32, true, true},
		{"permissive", "0 ffffffff 0 ffffffff 7 1", 3, true, true},
		{"empty", "", 1, false, false},
		{"no number", "x ffffffff 0 ffffffff 7 0", 1, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := vectorAllows(test.answer, test.bit)
			if got != test.want || (err == nil) != test.ok {
				t.Errorf("vectorAllows(%q, %d): got %v, %v; want %v, and an error: %v", test.answer, test.bit, got, err, test.want, !test.ok)
			}
		})
	}
}
