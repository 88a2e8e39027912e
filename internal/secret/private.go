//go:build unix

package secret

import (
	"fmt"
	"os"
	"syscall"
)

// openPrivate opens a regular file that its owner alone can read.
func openPrivate(path string) (*os.File, error) {
	// Opening a FIFO without a writer must not hang.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = fmt.Errorf("%s %w", path, errIrregular)
	case info.Mode().Perm()&0o077 != 0:
		err = fmt.Errorf("%s %w (mode %04o)", path, ErrReadableByOthers, info.Mode().Perm())
	default:
		return f, nil
	}
	_ = f.Close()
	return nil, err
}

// ReadCertificate reads the PEM file of a private key and its certificate.
func ReadCertificate(path string) (Value, error) { return readKey("client_certificate", path) }

// ReadPrivateKey reads the PEM file of the private key that signs requests to an API.
func ReadPrivateKey(path string) (Value, error) { return readKey("private_key", path) }
