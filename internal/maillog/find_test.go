package maillog

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"relayhost/internal/host"
	"relayhost/internal/postfix"
)

func tree(t *testing.T, files map[string]string) *host.Reader {
	t.Helper()
	root := t.TempDir()
	for path, text := range files {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return &host.Reader{Root: root, Path: "/nowhere"}
}

func TestFind(t *testing.T) {
	own := map[string]string{"maillog_file": "/var/log/own.log"}
	for _, tc := range []struct {
		name   string
		files  map[string]string
		params map[string]string
		want   Log
		none   bool
	}{
		{"its own, not there yet", nil, own, Log{File: "/var/log/own.log"}, false},
		{"its own", map[string]string{"/var/log/own.log": ""}, own, Log{File: "/var/log/own.log"}, false},
		{"nothing receives", map[string]string{"/var/log/mail.log": "stale"}, nil, Log{}, true},
		{"syslog", map[string]string{"/var/log/maillog": "", "/dev/log": ""}, nil, Log{File: "/var/log/maillog"}, false},
		{"syslog without a file", map[string]string{"/dev/log": ""}, nil, Log{}, true},
		{"its own is a directory", map[string]string{"/var/log/own.log/x": ""}, own, Log{}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := Find(t.Context(), tree(t, tc.files), postfix.State{Params: tc.params})
			if got != tc.want || errors.Is(err, ErrNoLog) != tc.none || (err != nil) != tc.none {
				t.Errorf("%+v, %v, want %+v", got, err, tc.want)
			}
		})
	}
	for want, params := range map[string]map[string]string{"maillog_file is not set": {"myhostname": "mail.example.com"}, "postconf does not tell maillog_file": nil} {
		t.Run(want, func(t *testing.T) {
			if _, err := Find(t.Context(), tree(t, nil), postfix.State{Params: params}); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q in it", err, want)
			}
		})
	}
	r := tree(t, map[string]string{"/dev/log": "", "/run/systemd/journal/socket": "", "/var/log/mail.log": "stale"})
	r.Path = r.Real("/bin")
	program := r.Real("/bin/journalctl")
	if err := os.MkdirAll(filepath.Dir(program), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := Find(t.Context(), r, postfix.State{}); err != nil || !got.Journal {
		t.Errorf("a file that nobody writes beside the journal: got %+v and the error %v, want the journal and no error", got, err)
	}
	if err := os.WriteFile(r.Real("/run/rsyslogd.pid"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := Find(t.Context(), r, postfix.State{}); err != nil || got.File != "/var/log/mail.log" {
		t.Errorf("a file that rsyslogd writes beside the journal: got %+v and the error %v, want %s and no error", got, err, "/var/log/mail.log")
	}
}
