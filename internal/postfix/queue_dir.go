//go:build unix

package postfix

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"

	"relayhost/internal/host"
)

// said is what postconf(1) said of each main.cf, by path: one setup needs the queue
// some ten times, and a child takes as long as a round trip in a data centre.
var said sync.Map

type saidOf struct {
	file host.Meta
	dir  string
}

// QueueDir is queue_directory (postconf(5)) of the instance whose configuration is
// in configDir, "" for the default one. It is "" with an error, and for a configuration
// that cannot be read, which runs nowhere.
func QueueDir(ctx context.Context, h *host.Host, configDir string) (string, error) {
	path := filepath.Join(cmp.Or(configDir, DefaultConfigDir), "main.cf")
	file, statErr := h.Stat(path)
	known := statErr == nil && h.Root == ""
	if was, ok := said.Load(path); known && ok && was.(saidOf).file == file {
		return was.(saidOf).dir, nil
	}
	out, err := h.Query(ctx, host.Postconf(configDir, "-h", "queue_directory"))
	if err == nil && out.Code < 0 {
		err = errors.New("postconf: a signal has ended it")
	}
	if err != nil {
		return "", err
	}
	dir := strings.TrimSpace(string(out.Stdout))
	if out.Code != 0 || !filepath.IsAbs(dir) {
		return "", nil
	}
	if known {
		said.Store(path, saidOf{file, dir})
	}
	return dir, nil
}
