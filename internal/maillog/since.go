//go:build unix

package maillog

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"relayhost/internal/host"
)

// maxPast is how much of a log file Since reads at most, in bytes from its end: a day
// of some 300,000 messages.
const maxPast = 256 << 20

// Since hands each line that Postfix has logged from start on to each, and returns the
// time of the first line that it has read: before start where a file reaches further
// back, the zero time where there is no line. It reads the file and the one that was rotated away last (logrotate's
// ".1"), where that is not compressed. ctx bounds the time.
func (l Log) Since(ctx context.Context, r *host.Reader, start time.Time, each func(Line)) (from time.Time, err error) {
	hand := func(raw []byte) error {
		if !bytes.Contains(raw, []byte("postfix")) {
			return ctx.Err()
		}
		line, ok := Parse(string(raw))
		if !ok {
			return ctx.Err()
		}
		if from.IsZero() || line.Time.Before(from) {
			from = line.Time
		}
		if line.Time.Before(start) {
			return ctx.Err()
		}
		each(line)
		return ctx.Err()
	}
	if l.Journal {
		out, err := r.Stream(ctx, host.Journal(start, MailFacility), hand)
		if err == nil && out.Code != 0 { // for want of permission
			err = fmt.Errorf("journalctl: exit status %d: %s", out.Code, bytes.TrimSpace(out.Stderr))
		}
		return from, err
	}
	for _, path := range []string{l.File + ".1", l.File} {
		err := pastLines(r.Real(path), start, hand)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return from, fmt.Errorf("read %s: %w", path, err)
		}
	}
	return from, nil
}

// pastLines hands on the lines of a file that was written to after start.
func pastLines(path string, start time.Time, hand func([]byte) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.ModTime().Before(start) || !info.Mode().IsRegular() {
		return err
	}
	in := bufio.NewReaderSize(f, maxLogLine)
	if info.Size() > maxPast {
		if _, err := f.Seek(-maxPast, io.SeekEnd); err != nil {
			return err
		}
		if _, err := in.ReadSlice('\n'); err != nil {
			return err
		}
	}
	for {
		raw, err := in.ReadSlice('\n')
		if len(raw) > 0 {
			if err := hand(raw); err != nil {
				return err
			}
		}
		for errors.Is(err, bufio.ErrBufferFull) { // the rest of a line without end
			_, err = in.ReadSlice('\n')
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
