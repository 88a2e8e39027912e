package secret

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Credentials are what a credentials file holds. Either Password or
// SecretAccessKey (SES: the SMTP password is derived from it) is set.
type Credentials struct {
	Username        string
	Password        Value
	SecretAccessKey Value
}

// maxCredentials bounds a credentials file, in bytes.
const maxCredentials = 64 << 10

// Errors of credentials. Their texts never hold what was read.
var (
	ErrReadableByOthers = errors.New("is readable by other users")
	ErrFormat           = errors.New("is not a credentials file")
)

// Read reads lines of the form key=value: username and either password or
// secret_access_key. Everything after the first "=" is the value, blanks
// and "#" included; blank lines and lines that begin with "#" are passed over.
func Read(r io.Reader) (Credentials, error) {
	var c Credentials
	seen := map[string]bool{}
	in := bufio.NewScanner(io.LimitReader(r, maxCredentials))
	in.Buffer(nil, maxCredentials)
	for n := 1; in.Scan(); n++ {
		// A file that came by way of Windows ends its lines in CR LF.
		line := strings.TrimSuffix(in.Text(), "\r")
		if t := strings.TrimSpace(line); t == "" || t[0] == '#' {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		key = strings.TrimSpace(key)
		switch {
		case !ok:
			return Credentials{}, fmt.Errorf("%w: line %d has no \"=\"", ErrFormat, n)
		case seen[key]:
			return Credentials{}, fmt.Errorf("%w: line %d gives %s again", ErrFormat, n, key)
		case !utf8.ValidString(value):
			return Credentials{}, fmt.Errorf("%w: line %d is not UTF-8", ErrFormat, n)
		}
		seen[key] = true
		switch key {
		case "username":
			c.Username = value
		case "password":
			c.Password = New(value)
		case "secret_access_key":
			c.SecretAccessKey = New(value)
		default:
			return Credentials{}, fmt.Errorf("%w: line %d: unknown key (username, password or secret_access_key)", ErrFormat, n)
		}
	}
	if err := in.Err(); err != nil {
		return Credentials{}, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if len(seen) == 0 {
		return Credentials{}, fmt.Errorf("%w: it is empty", ErrFormat)
	}
	if !c.Password.IsZero() && !c.SecretAccessKey.IsZero() {
		return Credentials{}, fmt.Errorf("%w: it gives both password and secret_access_key", ErrFormat)
	}
	return c, nil
}
