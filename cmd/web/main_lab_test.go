//go:build lab

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

var siteDir string

// builtSite builds the page, as `make web` does.
var builtSite = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(siteDir, "site")
	return dir, build(context.Background(), dir)
})

// TestMain runs in the checkout, where the site is built, and removes it at the end.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "relayhost-site-")
	if err == nil {
		siteDir = dir
		err = os.Chdir("../..")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}
