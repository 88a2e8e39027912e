package cmd_test

import (
	"os"
	"testing"

	"github.com/spf13/cobra/doc"

	"relayhost/cmd"
)

// TestManual makes the manual as the packages do: a page for every command.
func TestManual(t *testing.T) {
	dir := t.TempDir()
	if err := doc.GenManTree(cmd.Command(), &doc.GenManHeader{Section: "1"}, dir); err != nil {
		t.Fatal(err)
	}
	pages, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(pages) < 12 {
		t.Errorf("got %d pages, want at least 12", len(pages))
	}
}
