package secret

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Credentials are what a credentials file holds. At most one of Password,
// SecretAccessKey (SES: the SMTP password is derived from it) and the secret or
// certificate of Application is set.
type Credentials struct {
	Username        string // of a mailbox: also mailbox= and user=
	Password        Value
	SecretAccessKey Value
	Application     Application
	API             API
}

// API is what a file says of an account at the HTTPS API of a relay.
type API struct {
	Key      Value             // api_key=, or the text of the file that private_key= names
	Settings map[string]string // by the names in apiSettings
	// ProxyLogin is "user:password" at the proxy that the API is reached by.
	ProxyLogin Value // https_proxy_login=
}

// apiSettings are the keys of the settings of an API that are no secret.
var apiSettings = []string{"domain", "account_id", "compartment", "tenancy", "key_fingerprint", "stream", "host"}

// Application is what a file says of an application registered with an identity
// provider (OAuth).
type Application struct {
	Tenant, ClientID string
	Secret           Value
	SecretEnds       string // "2028-11-29", "" where it is not said
	Certificate      Value  // PEM of private key and certificate, of the file that client_certificate= names
}

// IsZero reports whether c holds nothing that proves who logs in.
func (c Credentials) IsZero() bool {
	return c.Password.IsZero() && c.SecretAccessKey.IsZero() && !c.Application.Proves() && c.API.Key.IsZero()
}

// Empty reports whether nothing was given at all.
func (c Credentials) Empty() bool {
	return c.IsZero() && c.Username == "" && c.Application == (Application{}) && len(c.API.Settings) == 0 && c.API.ProxyLogin.IsZero()
}

// Proves reports whether a holds a secret or a certificate.
func (a Application) Proves() bool { return !a.Secret.IsZero() || !a.Certificate.IsZero() }

// maxCredentials bounds a credentials file, in bytes.
const maxCredentials = 64 << 10

// Errors of credentials. Their texts never hold what was read.
var (
	ErrReadableByOthers = errors.New("is readable by other users")
	ErrFormat           = errors.New("is not a credentials file")

	errIrregular = errors.New("is not a regular file")
)

// KeyFileError is a file with a private key, named in a credentials file, that cannot be
// used.
type KeyFileError struct {
	Key  string // "client_certificate", "private_key"
	Path string
	Err  error
}

func (e *KeyFileError) Error() string { return e.Key + ": " + e.Err.Error() }

func (e *KeyFileError) Unwrap() error { return e.Err }

// ReadFile reads a credentials file. A file that others than its owner can
// read is refused: its secret has to be taken for known.
func ReadFile(path string) (Credentials, error) {
	f, err := openPrivate(path)
	if errors.Is(err, errIrregular) {
		return Credentials{}, fmt.Errorf("%s %w: it is not a regular file", path, ErrFormat)
	}
	if err != nil {
		return Credentials{}, err
	}
	defer f.Close()
	c, err := Read(f)
	if err != nil {
		return Credentials{}, fmt.Errorf("%s %w", path, err)
	}
	return c, nil
}

// readKey reads the PEM file of a private key, with its certificate maybe, that the
// value of key names.
func readKey(key, path string) (Value, error) {
	fail := func(err error) (Value, error) { return Value{}, &KeyFileError{key, path, err} }
	if !filepath.IsAbs(path) {
		return fail(errors.New("it is not an absolute path")) // perhaps a secret, pasted here
	}
	f, err := openPrivate(path)
	if err != nil {
		return fail(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxCredentials+1))
	switch {
	case err != nil:
		return fail(err)
	case len(text) > maxCredentials:
		return fail(fmt.Errorf("%s has more than %d bytes", path, maxCredentials))
	case len(text) == 0:
		return fail(fmt.Errorf("%s is empty", path))
	}
	return New(string(text)), nil
}

// Read reads lines of the form key=value, in UTF-8: username and password or
// secret_access_key, or the application of a sign-in by OAuth. Everything after the
// first "=" is the value, blanks and "#" included; blank lines and lines that begin
// with "#" are passed over. The certificate that client_certificate names is read.
func Read(r io.Reader) (Credentials, error) {
	var c Credentials
	seen := map[string]bool{}
	left := &io.LimitedReader{R: r, N: maxCredentials + 1}
	in := bufio.NewScanner(left)
	in.Buffer(nil, maxCredentials+2)
	for n := 1; in.Scan() && left.N > 0; n++ { // with none left a line may be cut off
		// A file that came by way of Windows ends its lines in CR LF, and may begin
		// with a byte order mark.
		line := strings.TrimSuffix(in.Text(), "\r")
		if n == 1 {
			line = strings.TrimPrefix(line, "\ufeff")
		}
		if t := strings.TrimSpace(line); t == "" || t[0] == '#' {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		key = strings.TrimSpace(key)
		switch {
		case n == 1 && (strings.HasPrefix(line, "\xff\xfe") || strings.HasPrefix(line, "\xfe\xff")):
			return Credentials{}, fmt.Errorf("%w: it is UTF-16; save it as UTF-8", ErrFormat)
		case !ok:
			return Credentials{}, fmt.Errorf("%w: line %d has no \"=\"", ErrFormat, n)
		case seen[key]:
			return Credentials{}, fmt.Errorf("%w: line %d gives %s again", ErrFormat, n, key)
		case strings.TrimSpace(value) == "":
			return Credentials{}, fmt.Errorf("%w: line %d: nothing stands behind the \"=\"", ErrFormat, n)
		case !utf8.ValidString(value):
			return Credentials{}, fmt.Errorf("%w: line %d is not UTF-8", ErrFormat, n)
		}
		if key == "mailbox" || key == "user" {
			if key = "username"; seen[key] {
				return Credentials{}, fmt.Errorf("%w: line %d gives %s again", ErrFormat, n, key)
			}
		}
		seen[key] = true
		if err := c.set(key, value); err != nil {
			return Credentials{}, fmt.Errorf("%w: line %d: %w", ErrFormat, n, err)
		}
	}
	if left.N <= 0 {
		return Credentials{}, fmt.Errorf("%w: it has more than %d bytes", ErrFormat, maxCredentials)
	}
	if err := in.Err(); err != nil {
		return Credentials{}, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if len(seen) == 0 {
		return Credentials{}, fmt.Errorf("%w: it is empty", ErrFormat)
	}
	return c, c.exclusive()
}

// set sets the value of one key.
func (c *Credentials) set(key, value string) (err error) {
	switch key {
	case "username":
		c.Username = strings.TrimSpace(value)
	case "password":
		c.Password = New(value)
	case "secret_access_key":
		c.SecretAccessKey = New(value)
	case "tenant":
		c.Application.Tenant = strings.TrimSpace(value)
	case "client_id":
		c.Application.ClientID = strings.TrimSpace(value)
	case "client_secret":
		c.Application.Secret = New(value)
	case "client_secret_expires":
		c.Application.SecretEnds = strings.TrimSpace(value)
		if _, err := time.Parse(time.DateOnly, c.Application.SecretEnds); err != nil {
			return errors.New("client_secret_expires is no day such as 2028-11-29")
		}
	case "client_certificate":
		c.Application.Certificate, err = readKey(key, strings.TrimSpace(value))
	case "api_key":
		c.API.Key = New(value)
	case "https_proxy_login":
		if user, _, ok := strings.Cut(value, ":"); !ok || user == "" {
			return errors.New("https_proxy_login is not of the form user:password")
		}
		c.API.ProxyLogin = New(value)
	case "private_key":
		c.API.Key, err = readKey(key, strings.TrimSpace(value))
	default:
		if !slices.Contains(apiSettings, key) {
			return errors.New("unknown key (username, password or secret_access_key; for a sign-in by OAuth tenant, client_id, client_secret with client_secret_expires, or client_certificate; for an API api_key, private_key, https_proxy_login, " +
				strings.Join(apiSettings, ", ") + ")")
		}
		if c.API.Settings == nil {
			c.API.Settings = map[string]string{}
		}
		c.API.Settings[key] = strings.TrimSpace(value)
	}
	return err
}

// exclusive refuses two secrets of which one would be passed over.
func (c Credentials) exclusive() error {
	var given []string
	for _, v := range []struct {
		key   string
		value Value
	}{
		{"password", c.Password}, {"secret_access_key", c.SecretAccessKey},
		{"client_secret", c.Application.Secret}, {"client_certificate", c.Application.Certificate},
		{"api_key", c.API.Key},
	} {
		if !v.value.IsZero() {
			given = append(given, v.key)
		}
	}
	if len(given) > 1 {
		return fmt.Errorf("%w: it gives both %s", ErrFormat, strings.Join(given, " and "))
	}
	return nil
}
