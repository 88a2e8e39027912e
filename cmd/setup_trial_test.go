package cmd

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"relayhost/internal/apply"
	"relayhost/internal/host"
	"relayhost/internal/postfix"
	"relayhost/internal/ui"
)

// On a host without a mail log Postfix keeps one for the proof, with the label
// that SELinux demands, or none where its policy allows none.
func TestKeepLog(t *testing.T) {
	const label = "system_u:object_r:postfix_data_t:s0"
	for _, test := range []struct {
		name   string
		policy postfix.SELinux
		label  string
		kept   bool
	}{
		{"no SELinux", postfix.SELinux{}, "", true},
		{"a label that Postfix may write", postfix.SELinux{Enforcing: true, LogLabel: label}, label, true},
		{"no such label", postfix.SELinux{Enforcing: true}, "", false},
	} {
		var said bytes.Buffer
		s := &setup{app: &app{}}
		s.io, s.host = &ui.Streams{Out: &said, Err: &said}, &host.Host{Reader: host.Reader{Root: t.TempDir()}}
		s.state.SELinux = test.policy
		o := apply.Options{Trial: map[string]string{}}
		s.keepLog(t.Context(), &o)
		names := slices.Sorted(maps.Keys(o.Trial))
		if kept := slices.Equal(names, []string{"maillog_file", "maillog_file_prefixes"}); kept != test.kept || (s.trial != nil) != test.kept || o.TrialLabel != test.label {
			t.Errorf("%s: %v, label %q", test.name, o.Trial, o.TrialLabel)
		}
		if strings.Contains(said.String(), "SELinux") == test.kept {
			t.Errorf("%s: said %q", test.name, said.String())
		}
	}
}
