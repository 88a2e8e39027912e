package explain

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"relayhost/internal/maillog"
)

// maxLine is how much of a line of a log is looked at, in bytes; Postfix itself
// writes at most 2,000 or so.
const maxLine = 64 << 10

// maxPasted is how many lines a text may have that is no log but a reply, or a
// part of a line, that somebody pasted.
const maxPasted = 20

// Read adds every line of a log, gzip'd or not, in bounded memory. A short text
// without any line of a log is explained line by line. It ends early with ctx;
// what was read before an error is kept.
func (c *Collector) Read(ctx context.Context, r io.Reader) error {
	var pasted []string
	defer func() {
		if len(pasted) <= maxPasted {
			for _, line := range pasted {
				c.AddText(line)
			}
		}
	}()
	in := bufio.NewReaderSize(r, maxLine)
	if magic, _ := in.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		unzipped, err := gzip.NewReader(in)
		if err != nil {
			return fmt.Errorf("read the log: %w", err)
		}
		defer func() { _ = unzipped.Close() }()
		in = bufio.NewReaderSize(unzipped, maxLine)
	}
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		line, err := in.ReadSlice('\n')
		if len(line) > 0 {
			c.Add(line)
			if n <= maxPasted {
				pasted = paste(pasted, string(line))
			}
		}
		for errors.Is(err, bufio.ErrBufferFull) { // the rest of a line without end
			_, err = in.ReadSlice('\n')
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read the log: %w", err)
		}
	}
}

// paste appends a line to a text that may have been pasted, or makes the text
// too long to be one when the line is of a log.
func paste(pasted []string, line string) []string {
	line = strings.TrimSpace(line)
	switch _, ok := maillog.Parse(line); {
	case ok:
		return make([]string, maxPasted+1)
	case line == "" || len(pasted) > maxPasted:
		return pasted
	}
	return append(pasted, line)
}
