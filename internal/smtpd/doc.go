// Package smtpd is the embedded relay service of demo and of the lab.
package smtpd
