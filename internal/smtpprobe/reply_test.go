package smtpprobe

import (
	"bufio"
	"bytes"
	"testing"
)

func FuzzReply(f *testing.F) {
	for _, s := range []string{
		"220 relay.test ESMTP\r\n", "250-a\r\n250-AUTH PLAIN\r\n250 SIZE\r\n", "421\r\n", "220\n", "250-\r\n250\r\n",
		"220-a\r\n250 b\r\n", "\x00\x00", "199 x\r\n", "600 x\r\n", "22", "220x\r\n", "550 5.1.1 no\r\r\n",
		"250 \xff\xfe\x1b]0;x\x07\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		br := bufio.NewReaderSize(bytes.NewReader(data), maxLine)
		for range 10 {
			r, err := readReply(br)
			if len(r.lines) > maxLines {
				t.Fatalf("got %d lines, want at most %d", len(r.lines), maxLines)
			}
			size := 0
			for _, line := range r.lines {
				size += len(line)
			}
			if size > maxReply {
				t.Fatalf("got %d bytes, want at most %d", size, maxReply)
			}
			if err != nil {
				if classify(err) == FaultNone {
					t.Fatalf("classify(%v): got no fault, want one", err)
				}
				return
			}
			if r.code < 200 || r.code > 599 || len(r.lines) == 0 {
				t.Fatalf("got %+v, want a code from 200 to 599 and at least one line", r)
			}
			_ = r.status()
		}
	})
}
