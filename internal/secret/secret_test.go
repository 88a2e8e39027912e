package secret

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestValueNeverPrints(t *testing.T) {
	const word = "correct-horse"
	v := New(word)
	type holder struct{ P Value }
	js, err := json.Marshal(holder{v})
	if err != nil {
		t.Fatal(err)
	}
	for i, out := range []string{
		fmt.Sprint(v), fmt.Sprintf("%s %v %+v %#v %q %x %d", v, v, v, v, v, v, v),
		fmt.Sprintf("%v %+v %#v", holder{v}, holder{v}, &holder{v}), string(js),
	} {
		if strings.Contains(out, word) || strings.Contains(out, fmt.Sprintf("%x", word)) {
			t.Errorf("print %d: got the secret, want none of it", i)
		}
		if !strings.Contains(out, Mask) {
			t.Errorf("print %d: got no %s, want it", i, Mask)
		}
	}
	if v.Reveal() != word {
		t.Error("Reveal: got another text than the secret, want it")
	}
}

func TestRedact(t *testing.T) {
	in := "AUTH PLAIN AHVzZXIAczNjcmV0ISE= c2VjcmV0 then s3cret!! or czNjcmV0ISE="
	got := Redact(in, "user", New("s3cret!!"))
	if want := "AUTH PLAIN *** c2VjcmV0 then *** or ***"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Redact("a to b", "u", New("to")); got != "a to b" {
		t.Errorf("with a secret of two letters: got %q, want the text unchanged", got)
	}
}

func TestRead(t *testing.T) {
	tests := []struct {
		name, in       string
		user, pass, sk string
		err            error
	}{
		{name: "both", in: "username=apikey\npassword=SG.a=b#c : d\n", user: "apikey", pass: "SG.a=b#c : d"},
		{name: "crlf", in: "username=u\r\npassword=p p\r\n", user: "u", pass: "p p"},
		{name: "comments", in: "# mine\n\nusername=u\n  # more\npassword=p\n", user: "u", pass: "p"},
		{name: "no final newline", in: "username=u\npassword=p", user: "u", pass: "p"},
		{name: "ses", in: "username=AKIA\nsecret_access_key=k+/\n", user: "AKIA", sk: "k+/"},
		{name: "trailing blank is kept", in: "username=u\npassword=p \n", user: "u", pass: "p "},
		{name: "no equals sign", in: "username\n", err: ErrFormat},
		{name: "unknown key", in: "login=u\n", err: ErrFormat},
		{name: "twice", in: "username=u\nusername=v\n", err: ErrFormat},
		{name: "two secrets", in: "username=u\npassword=p\nsecret_access_key=k\n", err: ErrFormat},
		{name: "empty", in: "", err: ErrFormat},
		{name: "latin-1", in: "username=u\npassword=\xe9\n", err: ErrFormat},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Read(strings.NewReader(tt.in))
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if err != nil {
				return
			}
			if c.Username != tt.user || c.Password.Reveal() != tt.pass || c.SecretAccessKey.Reveal() != tt.sk {
				t.Errorf("got the user %q, the password as written %t, the key as written %t, want %q, true and true",
					c.Username, c.Password.Reveal() == tt.pass, c.SecretAccessKey.Reveal() == tt.sk, tt.user)
			}
		})
	}
}

// A file as long as it may be is read to its end, and its name is in the error about a
// longer one.
func TestReadLimit(t *testing.T) {
	const last = "\npassword=p"
	path, text := filepath.Join(t.TempDir(), "credentials"), "username=u\n#"
	for _, tt := range []struct {
		name, end, want string
		bytes           int
	}{
		{"at the limit", last, "", maxCredentials},
		{"one more", last, path + " is not a credentials file: it has more than 65536 bytes", maxCredentials + 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte(text+strings.Repeat("x", tt.bytes-len(text+tt.end))+tt.end), 0o600); err != nil {
				t.Fatal(err)
			}
			c, err := ReadFile(path)
			if tt.want == "" && (err != nil || c.Password.Reveal() != "p") {
				t.Errorf("got the error %v, want the password of the last line", err)
			}
			if tt.want != "" && (err == nil || err.Error() != tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// An application is read with the certificate that its file names, which nobody else
// may read.
func TestReadApplication(t *testing.T) {
	pem := filepath.Join(t.TempDir(), "m365.pem")
	if err := os.WriteFile(pem, []byte("-----BEGIN"), 0o600); err != nil {
		t.Fatal(err)
	}
	const application = "mailbox=app@contoso.example\ntenant=contoso.example\nclient_id=7f3a\n"
	got, err := Read(strings.NewReader(application + "client_certificate=" + pem + "\n"))
	want := Credentials{Username: "app@contoso.example", Application: Application{Tenant: "contoso.example", ClientID: "7f3a", Certificate: New("-----BEGIN")}}
	if err != nil || got.Username != want.Username || got.Application != want.Application {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	if err := os.Chmod(pem, 0o644); err != nil {
		t.Fatal(err)
	}
	long := filepath.Join(t.TempDir(), "long.pem")
	if err := os.WriteFile(long, make([]byte, maxCredentials+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, in, want string }{
		{"readable by others", "client_certificate=" + pem, "readable by other users"},
		{"no such file", "client_certificate=/nonexistent", "no such file"},
		{"megabytes", "password=" + strings.Repeat("x", maxCredentials), "more than 65536 bytes"},
		{"short lines", "password=a\n" + strings.Repeat("# note\n", maxCredentials/7), "more than 65536 bytes"},
		{"cut within a key", "username=" + strings.Repeat("x", maxCredentials-17) + "\npassword=abc", "more than 65536 bytes"},
		{"a key of megabytes", "client_certificate=" + long, long + " has more than 65536 bytes"},
		{"relative", "client_certificate=m365.pem", "not an absolute path"},
		{"two secrets", "client_secret=a\nclient_certificate=" + pem, "readable by other users"},
		{"secret and password", "client_secret=a\npassword=b", "both password and client_secret"},
		{"no day", "client_secret=a\nclient_secret_expires=in 2 years", "no day such as 2028-11-29"},
		{"two users", "user=a\nmailbox=b", "gives username again"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := Read(strings.NewReader(test.in)); err == nil || !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestReadErrorHidesTheSecret(t *testing.T) {
	_, err := Read(strings.NewReader("hunter2hunter2\n"))
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got an error: %t (then with the secret in it), want one without it", err != nil)
	}
}

// A FIFO that nobody writes to is refused and not waited for.
func TestReadFileFIFO(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(path); !errors.Is(err, ErrFormat) {
		t.Errorf("error %v, want %v", err, ErrFormat)
	}
}

func TestReadFileMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c")
	for mode, want := range map[os.FileMode]error{0o600: nil, 0o400: nil, 0o640: ErrReadableByOthers, 0o604: ErrReadableByOthers} {
		t.Run(fmt.Sprintf("mode %04o", mode), func(t *testing.T) {
			_ = os.Remove(path)
			if err := os.WriteFile(path, []byte("username=u\npassword=p\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
			if _, err := ReadFile(path); !errors.Is(err, want) {
				t.Errorf("mode %04o: %v, want %v", mode, err, want)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add("username=u\npassword=p\n")
	f.Add("=\n")
	f.Fuzz(func(t *testing.T, in string) {
		c, err := Read(strings.NewReader(in))
		if err == nil && strings.ContainsAny(c.Username+c.Password.Reveal(), "\n") {
			t.Errorf("Read: got the user %q, a line end in the password %t, want no line end in either", c.Username, strings.Contains(c.Password.Reveal(), "\n"))
		}
	})
}
