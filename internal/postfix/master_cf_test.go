package postfix

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const masterText = `# service type  private unpriv  chroot  wakeup  maxproc command + args
smtp      inet  n       -       y       -       -       smtpd
#tlsproxy  unix  -       -       y       -       0       tlsproxy
smtp      unix  -       -       y       -       -       smtp -v
  -o smtp_helo_timeout=5 -o { smtp_bind_address = 192.0.2.1 }

# a comment in between
  -osyslog_name=postfix/x
pickup    unix  n       -       y       60?     1       pickup
maildrop  unix  -       n       n       -       -       pipe
  flags=DRXhu user=vmail argv=/usr/bin/maildrop -d {a b} -o x=y
`

func parseMaster(t *testing.T, text string) *Master {
	t.Helper()
	m, err := ParseMaster([]byte(text))
	if err != nil {
		t.Fatalf("ParseMaster: got the error %v, want none", err)
	}
	return m
}

func TestMasterGet(t *testing.T) {
	m := parseMaster(t, masterText)
	if got := len(m.Services()); got != 4 {
		t.Errorf("%d services, want 4", got)
	}
	if _, ok := m.Get("tlsproxy", "unix"); ok {
		t.Error("got tlsproxy, want none: it is commented out")
	}
	got, _ := m.Get("smtp", "unix")
	want := Service{
		Name: "smtp", Type: "unix", Private: "-", Unpriv: "-", Chroot: "y", Wakeup: "-", MaxProc: "-", Command: "smtp",
		Args:    []string{"-v"},
		Options: []Option{{"smtp_helo_timeout", "5"}, {"smtp_bind_address", "192.0.2.1"}, {"syslog_name", "postfix/x"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("got the difference (-want +got)\n%s\nwant none", diff)
	}
	pipe, _ := m.Get("maildrop", "unix")
	if want := []string{"flags=DRXhu", "user=vmail", "argv=/usr/bin/maildrop", "-d", "a b", "-o", "x=y"}; !slices.Equal(pipe.Args, want) || pipe.Options != nil {
		t.Errorf("pipe: %q %v, want %q", pipe.Args, pipe.Options, want)
	}
	overrides := m.Overrides("syslog_name", "smtp_helo_timeout")
	if diff := cmp.Diff([]Override{{"smtp/unix", Option{"smtp_helo_timeout", "5"}}, {"smtp/unix", Option{"syslog_name", "postfix/x"}}}, overrides); diff != "" {
		t.Errorf("got the difference (-want +got)\n%s\nwant none", diff)
	}
	// master(8) warns and uses the last of two entries.
	twice := parseMaster(t, "a unix - - n - - smtp\na unix - - n - - lmtp\n")
	if s, _ := twice.Get("a", "unix"); s.Command != "lmtp" {
		t.Errorf("of two entries the one with %q counts, want %q", s.Command, "lmtp")
	}
}

// An -o that is no name=value sets nothing, and stays as it is written.
func TestMasterOptionMalformed(t *testing.T) {
	for _, tc := range []struct{ text, name, value, back string }{
		{"-o smtp_bind_address", "", "smtp_bind_address", "-o smtp_bind_address"},
		{"-osmtp_bind_address", "", "smtp_bind_address", "-o smtp_bind_address"},
		{"-o =yes", "", "=yes", "-o =yes"},
		{"-o { smtp bind = yes }", "", "smtp bind = yes", "-o {smtp bind = yes}"},
		{"-o", "", "", "-o {}"},
		{"-o smtp_bind_address=", "smtp_bind_address", "", "-o smtp_bind_address="},
		{"-o {smtp_bind_address =a=b}", "smtp_bind_address", "a=b", "-o smtp_bind_address=a=b"},
	} {
		t.Run(tc.text, func(t *testing.T) {
			m := parseMaster(t, "smtp unix - - y - - smtp "+tc.text+"\n")
			s, _ := m.Get("smtp", "unix")
			if want := []Option{{tc.name, tc.value}}; !slices.Equal(s.Options, want) {
				t.Errorf("got %q, want %q", s.Options, want)
			}
			if _, got := s.Option("smtp_bind_address"); got != (tc.name != "") {
				t.Errorf("smtp_bind_address: got set %t, want %t", got, tc.name != "")
			}
			if text := s.String(); !strings.HasSuffix(text, "\n  "+tc.back) {
				t.Errorf("rendered: got %q, want %q at the end", text, tc.back)
			}
			again := parseMaster(t, s.String()+"\n")
			if got, _ := again.Get("smtp", "unix"); !slices.Equal(got.Options, s.Options) {
				t.Errorf("read again: got %q, want %q", got.Options, s.Options)
			}
		})
	}
}

func TestParseMasterFails(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		line       int
	}{
		{"no command", "smtp unix - - y - -\n", 1},
		{"type", "# c\nsmtp tcp - - y - - smtp\n", 2},
		{"private", "smtp unix x - y - - smtp\n", 1},
		{"wakeup time", "smtp unix - - y 5s - smtp\n", 1},
		{"process limit", "smtp unix - - y - many smtp\n", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := ParseMaster([]byte(tc.text))
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || syntax.Line != tc.line {
				t.Errorf("%q: error %v, want a SyntaxError in line %d", tc.text, err, tc.line)
			}
		})
	}
}

func TestMasterSet(t *testing.T) {
	ours := Service{
		Name: "relayhost-ses", Type: "unix", Chroot: "n", Command: "smtp",
		Options: []Option{{"smtp_tls_CAfile", "/etc/ssl/certs/ca-certificates.crt"}, {"smtp_sasl_mechanism_filter", "plain, login"}, {"smtp_fallback_relay", ""}},
	}
	const rendered = `relayhost-ses unix  -       -       n       -       -       smtp
  -o smtp_tls_CAfile=/etc/ssl/certs/ca-certificates.crt
  -o { smtp_sasl_mechanism_filter = plain, login }
  -o smtp_fallback_relay=
`
	m := parseMaster(t, masterText)
	m.Set(ours)
	want := masterText + "\n" + Mark + "\n" + rendered
	if diff := cmp.Diff(want, string(m.Bytes())); diff != "" {
		t.Fatalf("got the difference (-want +got)\n%s\nwant none", diff)
	}
	m.Set(ours)
	if diff := cmp.Diff(want, string(m.Bytes())); diff != "" {
		t.Errorf("set twice: got the difference (-want +got)\n%s\nwant none", diff)
	}
	again := parseMaster(t, string(m.Bytes()))
	got, _ := again.Get("relayhost-ses", "unix")
	ours.Private, ours.Unpriv, ours.Wakeup, ours.MaxProc = "-", "-", "-", "-"
	if diff := cmp.Diff(ours, got); diff != "" {
		t.Errorf("read again: got the difference (-want +got)\n%s\nwant none", diff)
	}
	again.Set(Service{Name: "tlsproxy", Type: "unix", Chroot: "y", MaxProc: "0", Command: "tlsproxy"})
	want += "tlsproxy  unix  -       -       y       -       0       tlsproxy\n"
	if diff := cmp.Diff(want, string(again.Bytes())); diff != "" {
		t.Errorf("second entry: got the difference (-want +got)\n%s\nwant none", diff)
	}
	again.Remove("tlsproxy", "unix")
	again.Remove("relayhost-ses", "unix")
	if diff := cmp.Diff(masterText+"\n", string(again.Bytes())); diff != "" {
		t.Errorf("removed: got the difference (-want +got)\n%s\nwant none", diff)
	}
	again.Remove("smtp", "unix")
	if text := string(again.Bytes()); strings.Contains(text, "syslog_name") || !strings.Contains(text, "# a comment in between\n") {
		t.Errorf("removed with continuation lines: got\n%s\nwant no %q in it and %q in it", text, "syslog_name", "# a comment in between\n")
	}
}

func TestServiceChrooted(t *testing.T) {
	for _, tc := range []struct {
		chroot, compat string
		want           bool
	}{{"y", "3.6", true}, {"n", "0", false}, {"-", "0", true}, {"-", "", true}, {"-", "1", false}, {"-", "3.6", false}, {"-", "2", false}} {
		t.Run(tc.chroot+" at level "+tc.compat, func(t *testing.T) {
			if got := (Service{Chroot: tc.chroot}).Chrooted(tc.compat); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func FuzzMaster(f *testing.F) {
	f.Add([]byte(masterText), "smtp_helo_name", "a b")
	f.Add([]byte("a unix - - n - - smtp\r\n -o {a=b\r\n"), "x", "")
	f.Add([]byte("a unix - - n - - smtp -vo {b} -- -o c=d"), "x", "}")
	f.Fuzz(func(t *testing.T, data []byte, name, value string) {
		m, err := ParseMaster(data)
		if err != nil {
			return
		}
		if !bytes.Equal(m.Bytes(), data) {
			t.Fatalf("unchanged text came back as %q, want %q", m.Bytes(), data)
		}
		before := m.Services()
		ours := Service{Name: "relayhost-fuzz", Type: "unix", Private: "-", Unpriv: "-", Chroot: "n", Wakeup: "-", MaxProc: "-", Command: "smtp"}
		if word(name) == name && name != "" && !strings.ContainsAny(name+value, "={}\x00\v\f") && !strings.ContainsAny(name, "\u0085\u00a0\u2028\u2029") {
			ours.Options = []Option{{name, oneLine(value)}}
		}
		m.Set(ours)
		again, err := ParseMaster(m.Bytes())
		if err != nil {
			t.Fatalf("after Set: got the error %v, want none\n%q", err, m.Bytes())
		}
		if got, _ := again.Get(ours.Name, ours.Type); !cmp.Equal(got, ours) {
			t.Fatalf("want %+v as written, got %+v", ours, got)
		}
		again.Remove(ours.Name, ours.Type)
		if diff := cmp.Diff(before, again.Services()); diff != "" && !strings.Contains(string(data), "relayhost-fuzz") {
			t.Fatalf("after Set and Remove: got the difference (-before +after)\n%s\nwant none", diff)
		}
	})
}

// TestSpawned: user and program as spawn(8) reads them.
func TestSpawned(t *testing.T) {
	for _, tt := range []struct{ args, user, program string }{
		{"user=relayhost argv=/usr/bin/relayhost bridge x", "relayhost", "/usr/bin/relayhost"},
		{"user=nobody User=relayhost:mail argv=/usr/bin/relayhost bridge x", "relayhost", "/usr/bin/relayhost"},
		{"user=relayhost ARGV=/usr/bin/env user=root argv=/bin/sh", "relayhost", "/usr/bin/env"},
		{"user=relayhost", "relayhost", ""},
	} {
		t.Run(tt.args, func(t *testing.T) {
			m, err := ParseMaster([]byte("x unix - n n - - spawn\n  " + tt.args + "\n"))
			if err != nil {
				t.Fatal(err)
			}
			s, _ := m.Get("x", "unix")
			if user, program := s.Spawned(); user != tt.user || program != tt.program {
				t.Errorf("got the user %q and the program %q, want %q and %q", user, program, tt.user, tt.program)
			}
		})
	}
}
