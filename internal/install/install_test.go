package install

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"relayhost/internal/host"
)

// machine is a host whose files are in a directory.
func machine(t *testing.T, files ...string) *host.Reader {
	t.Helper()
	root := t.TempDir()
	for _, f := range files {
		path := filepath.Join(root, f)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return &host.Reader{Root: root, Path: filepath.Join(root, "usr/bin") + ":" + filepath.Join(root, "sbin")}
}

func TestFindOther(t *testing.T) {
	tests := []struct {
		name    string
		files   []string
		other   string // "" when there is none
		waiting int
	}{
		{"no file", nil, "", 0},
		{"Postfix", []string{"/usr/sbin/postfix", "/usr/sbin/sendmail"}, "", 0},
		{"Exim", []string{"/usr/sbin/exim4"}, "Exim", 0},
		{"Exim with a queue", []string{"/usr/sbin/exim4", "/var/spool/exim4/input/1a-H", "/var/spool/exim4/input/1a-D", "/var/spool/exim4/input/1b-H"}, "Exim", 2},
		{"sendmail", []string{"/usr/sbin/sendmail-mta", "/var/spool/mqueue/qf1", "/var/spool/mqueue/df1"}, "sendmail", 1},
		{"nullmailer", []string{"/usr/sbin/nullmailer-send", "/var/spool/nullmailer/queue/1.2"}, "nullmailer", 1},
		{"msmtp", []string{"/usr/bin/msmtp"}, "msmtp", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, ok := FindOther(machine(t, tt.files...))
			if ok != (tt.other != "") || o.Name != tt.other || o.Waiting != tt.waiting {
				t.Errorf("%v: found %v %+v, want %v", tt.files, ok, o, (tt.other != ""))
			}
			if tt.waiting > 0 && !strings.Contains(o.Scope, "in its queue") || ok && !strings.Contains(o.Scope, "configures Postfix only") {
				t.Errorf("%v: says %q, want %q in it and %q in it", tt.files, o.Scope, "in its queue", "configures Postfix only")
			}
		})
	}
}

// TestFindManager: each distribution's own, with the SASL plugin of PLAIN and
// LOGIN and a CA bundle among its packages.
func TestFindManager(t *testing.T) {
	for program, want := range map[string]string{
		"/usr/bin/apt-get": "apt", "/usr/bin/dnf": "dnf", "/usr/bin/zypper": "zypper", "/sbin/apk": "apk", "/usr/bin/pacman": "pacman",
	} {
		t.Run(program, func(t *testing.T) {
			m, err := FindManager(machine(t, program))
			if err != nil || m.Name != want {
				t.Errorf("got %s, %v, want %s", m.Name, err, want)
				return
			}
			all := strings.Join(m.Packages, " ")
			for _, part := range []string{"postfix", "sasl", "ca-certificates"} {
				if !strings.Contains(all, part) {
					t.Errorf("%s: got the packages %s, want one with %q", m.Name, all, part)
				}
			}
			for _, word := range m.Install {
				if word == "-i" || word == "--interactive" {
					t.Errorf("%s: got the command %q, want no %s in it", m.Name, m.Install, word)
				}
			}
		})
	}
	if _, err := FindManager(machine(t)); !errors.Is(err, ErrNoManager) {
		t.Errorf("a host without package manager: got %v, want %v", err, ErrNoManager)
	}
}

func TestListens(t *testing.T) {
	const head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	tests := []struct {
		name, table string
		want        bool
	}{
		{"the heading alone", head, false},
		{"on 127.0.0.1", head + "   0: 0100007F:0019 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1\n", true},
		{"a connection", head + "   0: 0100007F:0019 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 1 1\n", false},
		{"on another port", head + "   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1\n", false},
		{"on every address of IPv6", head + "   0: 00000000000000000000000000000000:0019 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1\n", true},
		{"empty", "", false},
		{"garbage", "garbage", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := listens([]byte(tt.table)); got != tt.want {
				t.Errorf("got %v, want %v for\n%s", got, tt.want, tt.table)
			}
		})
	}
}

func TestTail(t *testing.T) {
	if got := tail("a\n\nb\r\n  \nc\n", 2); got != "  b\n  c" {
		t.Errorf("got %q, want %q", got, "  b\n  c")
	}
	if got := tail("", 3); got != "" {
		t.Errorf("got %q, want none", got)
	}
}
