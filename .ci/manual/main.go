// Command manual writes the manual pages of relayhost into a folder, one for
// each command, out of the same text as --help. The same commit gives the same
// bytes: the date is SOURCE_DATE_EPOCH, in seconds, or none.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"relayhost/cmd"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: manual FOLDER")
		os.Exit(64)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "manual:", err)
		os.Exit(1)
	}
}

func write(dir string) error {
	date := time.Unix(0, 0).UTC()
	if s := os.Getenv("SOURCE_DATE_EPOCH"); s != "" {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
		}
		date = time.Unix(n, 0).UTC()
	}
	root := cmd.Command()
	for _, topic := range root.Commands() {
		// cobra writes no page for a command that runs nothing.
		if !topic.Runnable() && !topic.HasSubCommands() {
			topic.Run = func(*cobra.Command, []string) {}
		}
	}
	return doc.GenManTree(root, &doc.GenManHeader{
		Section: "1", Date: &date, Source: "relayhost", Manual: "relayhost",
	}, dir)
}
