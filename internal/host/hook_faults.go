//go:build unix && relayhost_testhooks

package host

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// The test build counts the changes to the machine over the whole process.
//
//	RELAYHOST_KILL_AT=n            SIGKILL to itself in place of the n-th change
//	RELAYHOST_FAIL_AT=n:ENOSPC|EIO the n-th change fails so; "n+:" each from then on
//	RELAYHOST_OPS=FILE             each change is noted there, one a line
var faults struct {
	sync.Mutex
	n int
}

var faultErrors = map[string]error{"ENOSPC": syscall.ENOSPC, "EIO": syscall.EIO, "EROFS": syscall.EROFS}

func hook(op Op) error {
	faults.Lock()
	defer faults.Unlock()
	faults.n++
	if name := os.Getenv("RELAYHOST_OPS"); name != "" {
		if f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err == nil {
			fmt.Fprintf(f, "%d %s %s\n", faults.n, op.Name, op.Path)
			f.Close()
		}
	}
	if n, err := strconv.Atoi(os.Getenv("RELAYHOST_KILL_AT")); err == nil && n == faults.n {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	at, name, ok := strings.Cut(os.Getenv("RELAYHOST_FAIL_AT"), ":")
	if !ok {
		return nil
	}
	at, onwards := strings.CutSuffix(at, "+")
	if n, err := strconv.Atoi(at); err == nil && (n == faults.n || onwards && faults.n > n) {
		return faultErrors[name]
	}
	return nil
}
