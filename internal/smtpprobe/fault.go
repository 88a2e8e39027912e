//go:build unix

package smtpprobe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
)

// faultError is an error whose kind is known where it arises.
type faultError struct {
	fault Fault
	err   error
}

func (e *faultError) Error() string { return e.err.Error() }
func (e *faultError) Unwrap() error { return e.err }

func faultf(f Fault, format string, args ...any) error {
	return &faultError{f, fmt.Errorf(format, args...)}
}

func protocolError(text string) error {
	return faultf(FaultProtocol, "the server breaks the protocol: %s", text)
}

// classify says what kind of failure err is.
func classify(err error) Fault {
	var known *faultError
	if errors.As(err, &known) {
		return known.fault
	}
	// Linux' mapping of ICMP errors: icmp_err_convert in net/ipv4/icmp.c,
	// tab_unreach in net/ipv6/icmp.c.
	for _, e := range []struct {
		errno syscall.Errno
		fault Fault
	}{
		{syscall.ECONNREFUSED, FaultRefused},
		{syscall.EHOSTUNREACH, FaultUnreachable},
		{syscall.ENETUNREACH, FaultNoRoute},
		{syscall.EADDRNOTAVAIL, FaultNoRoute},
		{syscall.EAFNOSUPPORT, FaultNoRoute},
		{syscall.ENETDOWN, FaultNoRoute},
		{syscall.EINVAL, FaultNoRoute},    // a blackhole route
		{syscall.EACCES, FaultProhibited}, // a prohibit route, or ICMPv6 "administratively prohibited"
		{syscall.EPERM, FaultProhibited},  // netfilter on this host
		{syscall.ECONNRESET, FaultReset},
		{syscall.EPIPE, FaultReset},
		{syscall.ETIMEDOUT, FaultTimeout},
	} {
		if errors.Is(err, e.errno) {
			return e.fault
		}
	}
	var timeout net.Error
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled),
		errors.As(err, &timeout) && timeout.Timeout():
		return FaultTimeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return FaultReset
	}
	return classifyTLS(err)
}

// classifyTLS tells a certificate that does not verify from a handshake that
// fails.
func classifyTLS(err error) Fault {
	var (
		name      x509.HostnameError
		authority x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
		cert      *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return FaultExpired
	case errors.As(err, &name):
		return FaultWrongName
	case errors.As(err, &authority), errors.As(err, &invalid), errors.As(err, &cert):
		return FaultUntrusted
	}
	return FaultTLS
}
