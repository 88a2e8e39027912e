//go:build !unix

package relays

// SESPassword makes no password in a browser, which never sees a secret.
func SESPassword(string, string) string { return "" }
