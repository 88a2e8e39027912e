//go:build !unix

package secret

import (
	"errors"
	"os"
)

// openPrivate opens nothing: there are no files in a browser.
func openPrivate(string) (*os.File, error) { return nil, errors.ErrUnsupported }
