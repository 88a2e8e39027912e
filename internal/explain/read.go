package explain

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"relayhost/internal/lazy"
	"strings"
)

// maxLine is how much of a line of a log is looked at, in bytes; Postfix itself
// writes at most 2,000 or so.
const maxLine = 64 << 10

// Read adds every line of a log, gzip'd or not, in bounded memory. What is no
// line of Postfix's is read as one story. It ends early with ctx; what was read
// before an error is kept.
func (c *Collector) Read(ctx context.Context, r io.Reader) error {
	defer c.End()
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

// AddText takes in a text that somebody pasted, of one or more lines.
func (c *Collector) AddText(s string) {
	for line := range strings.Lines(s) {
		c.Add([]byte(line))
	}
	c.End()
}

var loggedBy = lazy.MustCompile(`^(?:\S+ *\| *)?(?:<\d+>)?(?:[A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d+)?|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\S*) ([A-Za-z0-9][\w.-]*) \S+\[\d+\]: `)

// Of reports whether the text can be of the host with this name: it names no
// host, or this one.
func (c *Collector) Of(host string) bool {
	for _, line := range c.whole {
		if m := loggedBy.FindStringSubmatch(line); m != nil {
			name, _, _ := strings.Cut(m[1], ".")
			return strings.EqualFold(name, host)
		}
	}
	return true
}
