//go:build unix

package api

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Pause is the file that tells all processes of an account until when its API wants
// no requests. The zero Pause holds for one process only, in memory.
type Pause struct {
	Path string
	mem  *memory
}

type memory struct {
	mu    sync.Mutex
	until time.Time
}

// NewPause is the pause in the file path; "" keeps it in memory.
func NewPause(path string) Pause { return Pause{path, &memory{}} }

// Until is when the next request may be made; a time in the past or the zero time
// is now. A file that makes no sense, or a time further off than an API can ask
// for, counts for nothing.
func (p Pause) Until(now time.Time) time.Time {
	var until time.Time
	if p.mem != nil {
		p.mem.mu.Lock()
		until = p.mem.until
		p.mem.mu.Unlock()
	}
	if stored := p.stored(now); stored.After(until) {
		return stored
	}
	return until
}

// stored is the time in the file.
func (p Pause) stored(now time.Time) time.Time {
	if p.Path == "" {
		return time.Time{}
	}
	f, err := os.OpenFile(p.Path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return time.Time{}
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 64))
	if err != nil {
		return time.Time{}
	}
	until, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(string(text)))
	if err != nil || until.After(now.Add(maxWait)) {
		return time.Time{}
	}
	return until
}

// Set keeps a later time than the one that holds. That the file cannot be written
// is no reason to lose a message: this process keeps to it all the same.
func (p Pause) Set(until time.Time) {
	if p.mem != nil {
		p.mem.mu.Lock()
		if until.After(p.mem.until) {
			p.mem.until = until
		}
		p.mem.mu.Unlock()
	}
	if p.Path == "" || !until.After(p.stored(until)) {
		return
	}
	f, err := os.CreateTemp(filepath.Dir(p.Path), "."+filepath.Base(p.Path)+".*") // 0600
	if err != nil {
		return
	}
	_, err = f.WriteString(until.UTC().Format(time.RFC3339Nano) + "\n")
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), p.Path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
}

// maxWait bounds how long an API can make this host wait.
const maxWait = 24 * time.Hour

// wait is how long no request may be made: by Retry-After (RFC 9110, section
// 10.2.3), the API's own header, or a second after a 429 without either.
func (a *API) wait(ans *answer, now time.Time) time.Duration {
	if ans.status != http.StatusTooManyRequests && ans.status/100 != 5 {
		return 0
	}
	var d time.Duration
	header := ""
	if known := a.Catalogued().API; known != nil {
		header = known.WaitHeader
	}
	for _, name := range []string{"Retry-After", header} {
		v := ans.header.Get(name)
		if name == "" || v == "" {
			continue
		}
		if n, err := strconv.ParseFloat(v, 64); err == nil && n >= 0 {
			if n > 1e9 { // a time, not a duration
				d = time.Unix(int64(n), 0).Sub(now)
			} else {
				d = time.Duration(n * float64(time.Second))
			}
			break
		}
		if at, err := http.ParseTime(v); err == nil {
			d = at.Sub(now)
			break
		}
	}
	if d <= 0 && ans.status == http.StatusTooManyRequests {
		d = time.Second
	}
	return min(max(d, 0), maxWait)
}
