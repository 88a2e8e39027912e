package cmd

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"relayhost/internal/exposition"
	"relayhost/internal/host"
	"relayhost/internal/ui"
)

// metricsFlag adds --prometheus to the flags of verify and status.
func metricsFlag(fs *pflag.FlagSet, file *string) {
	fs.StringVar(file, "prometheus", "", "write metrics to a `file` for node_exporter's textfile collector (- for standard output)")
}

// writeMetrics replaces the file as a whole, readable by the collector, or
// prints the document in place of the report.
func writeMetrics(io *ui.Streams, h *host.Host, file string, text *exposition.Text) error {
	if file == "-" {
		_, err := io.Out.Write(text.Bytes())
		return err
	}
	path, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	// The collector runs as another user and reads *.prom only: never the
	// temporary file.
	err = h.WriteFile(path, text.Bytes(), host.Spec{Mode: 0o644, UID: os.Geteuid(), GID: os.Getegid()})
	if err != nil {
		return hint(fmt.Errorf("metrics: %w", err), "the directory must exist: see node_exporter's --collector.textfile.directory")
	}
	return nil
}

// checkMetrics refuses two documents on one standard output.
func checkMetrics(asJSON bool, file string) error {
	if file == "-" && asJSON {
		return usagef("--prometheus - and --json both write standard output")
	}
	return nil
}
