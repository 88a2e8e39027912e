package postfix

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxCredential bounds user name and password, in bytes.
const maxCredential = 1024

// PasswordDelimiter is what stands between user name and password in the value
// of smtp_sasl_password_maps: smtp_sasl_password_result_delimiter, a parameter
// since 3.9, and ":" before.
func (s State) PasswordDelimiter() byte {
	if d := s.Params["smtp_sasl_password_result_delimiter"]; d != "" && s.Version.AtLeast(3, 9) {
		return d[0]
	}
	return ':'
}

// ValidateUsername says why Postfix cannot store name in a password table whose
// values are split at the first delimiter. The error does not hold the name.
func ValidateUsername(name string, delimiter byte) error {
	if err := storable("user name", name); err != nil {
		return err
	}
	if isSpace(name[0]) {
		return errors.New("the user name begins with white space, which a lookup table cannot hold")
	}
	if strings.IndexByte(name, delimiter) >= 0 {
		return fmt.Errorf("the user name contains %q, at which Postfix splits user name and password", delimiter)
	}
	return nil
}

// ValidatePassword says why Postfix cannot store password in a lookup table. The
// error holds nothing of the password.
func ValidatePassword(password string) error {
	if err := storable("password", password); err != nil {
		return err
	}
	if isSpace(password[len(password)-1]) {
		return errors.New("the password ends with white space, which a lookup table cannot hold")
	}
	return nil
}

// storable holds for both. postmap(1) skips lines that are not UTF-8 and prints
// them, password and all.
func storable(what, s string) error {
	switch {
	case s == "":
		return fmt.Errorf("the %s is empty", what)
	case len(s) > maxCredential:
		return fmt.Errorf("the %s is longer than %d bytes", what, maxCredential)
	case strings.ContainsAny(s, "\r\n"):
		return fmt.Errorf("the %s contains a line break, which a lookup table cannot hold", what)
	case !utf8.ValidString(s):
		return fmt.Errorf("the %s is not UTF-8, and Postfix skips such lines of a lookup table", what)
	}
	for _, r := range s {
		if r < ' ' && r != '\t' || r == 0x7f {
			return fmt.Errorf("the %s contains the control character U+%04X", what, r)
		}
	}
	return nil
}
