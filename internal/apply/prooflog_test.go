package apply

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"relayhost/internal/postfix"
)

// On a host without a mail log Postfix keeps one for the proof, with the label
// that SELinux demands, or none where its policy or main.cf allows none.
func TestKeepLog(t *testing.T) {
	const label = "system_u:object_r:postfix_data_t:s0"
	for _, test := range []struct {
		name   string
		policy postfix.SELinux
		main   string
		label  string
		why    string // why there is no log; "" where there is one
	}{
		{"no SELinux", postfix.SELinux{}, "", "", ""},
		{"a label that Postfix may write", postfix.SELinux{Enforcing: true, LogLabel: label}, "", label, ""},
		{"no such label", postfix.SELinux{Enforcing: true}, "", "", "SELinux"},
		{"a parameter twice", postfix.SELinux{}, "a = 1\na = 2\n", "", "main.cf defines a twice"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := Options{Override: map[string]string{}}
			log, why := KeepLog(&o, test.policy, []byte(test.main))
			if (why != "") != (test.why != "") || !strings.Contains(why, test.why) {
				t.Errorf("got reason %q, want %q", why, test.why)
			}
			names := slices.Sorted(maps.Keys(o.Override))
			if kept := slices.Equal(names, []string{"maillog_file", "maillog_file_prefixes"}); kept != (test.why == "") {
				t.Errorf("got parameters %v, want both of the log: %v", names, test.why == "")
			}
			if o.ProofLogLabel != test.label || (log.File != "") != (test.why == "") {
				t.Errorf("got label %q and log %q, want label %q", o.ProofLogLabel, log.File, test.label)
			}
		})
	}
}
