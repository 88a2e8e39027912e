// Package smtpd is the embedded relay service of demo and of the lab: a
// submission server (RFC 6409) on emersion/go-smtp and go-sasl that plays a
// relay service. It takes mail from its accounts over STARTTLS or implicit
// TLS, refuses in the words it was given, and keeps a record of every session
// from the server's side.
//
// go-smtp keeps the state of the dialogue; [conn], below it, ends TLS, counts
// the commands and puts the service's own words in place of go-smtp's.
package smtpd
