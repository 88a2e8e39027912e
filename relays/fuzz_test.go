package relays

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// Whatever a file holds, Parse ends with a service that keeps the rules or with
// errors that name the file.
func FuzzParse(f *testing.F) {
	f.Add([]byte(corp))
	for _, name := range []string{"catalog/ses.toml", "catalog/alibaba.toml"} {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("[[replies]]\nmatch = '('\n[[replies]]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Parse("x.toml", data)
		if err != nil {
			var fe *FileError
			if !errors.As(err, &fe) || fe.File != "x.toml" || fe.Line < 0 {
				t.Fatalf("Parse: got the error %v, want a FileError of x.toml with a line of 0 or more", err)
			}
			return
		}
		if problems := validate(r); len(problems) > 0 {
			t.Fatalf("got %v, want no problem in a relay that was loaded", problems)
		}
		for _, text := range []string{Text(r), Table([]Relay{r})} {
			for line := range strings.Lines(text) {
				if strings.ContainsAny(line, "\x1b\x00\r") {
					t.Fatalf("line: got %q, want no ESC, NUL or CR in it", line)
				}
			}
		}
		r.PortOrder()
		r.CheckCredentials("user", "password")
		_, _ = r.Host(r.Hosts.Example)
	})
}
