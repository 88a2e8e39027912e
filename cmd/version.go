package cmd

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the linker (Makefile).
var version = "devel"

func newVersionCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Example: `  # Print version, Go version and platform
  relayhost version
  # Print them as a JSON document
  relayhost version --json
  # Print the commit that it was built from
  relayhost version --json | grep commit`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			if a.json {
				return a.printJSON(map[string]any{"version": 1, "relayhost": version, "go": runtime.Version(), "commit": commit()})
			}
			fmt.Fprintln(a.io.Out, versionLine())
			return nil
		},
	}
}

func versionLine() string {
	return fmt.Sprintf("relayhost %s (%s, %s/%s)", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// commit is the revision that the go command recorded, if it did.
func commit() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return ""
}
