package ui

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Page shows a long text of the conversation through $PAGER (less without one). Where
// no pager can be run, the text is printed.
func (s *Streams) Page(ctx context.Context, text string) {
	s.Done()
	if !s.CanAsk() || !page(ctx, s, text) {
		fmt.Fprint(s.Err, text)
	}
}

func page(ctx context.Context, s *Streams, text string) bool {
	pager := strings.TrimSpace(os.Getenv("PAGER"))
	if pager == "" {
		pager = "less"
		if _, err := exec.LookPath(pager); err != nil {
			return false
		}
	}
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", pager) //nolint:gosec // $PAGER is a command line by custom
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(text), s.Err, s.Err
	cmd.Env = append(os.Environ(), "LESS=-FRX", "LESSSECURE=1")
	return cmd.Run() == nil
}
