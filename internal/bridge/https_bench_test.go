//go:build lab

package bridge_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"

	"relayhost/internal/bridge"
)

// TestBenchListen: with a tenth of a second for each answer, 20 connections of one
// process carry at least half of what the round trips allow.
func TestBenchListen(t *testing.T) {
	const connections, each, answer = 20, 25, 100 * time.Millisecond
	s := newService(t, "ses")
	s.Answer(func(_ int, w http.ResponseWriter, r *http.Request) bool {
		_, _ = io.Copy(io.Discard, r.Body)
		time.Sleep(answer)
		_, _ = io.WriteString(w, `{"MessageId":"1"}`)
		return true
	})
	l, err := net.Listen("unix", t.TempDir()+"/s")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { _ = bridge.Listen(ctx, l, "bridge.example", s.open(t)) }()
	begin := time.Now()
	var all sync.WaitGroup
	for range connections {
		all.Go(func() {
			conn, err := net.Dial("unix", l.Addr().String())
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			p := &postfix{t, conn, textproto.NewReader(bufio.NewReader(conn)), nil}
			_, _ = p.r.ReadLine() // the greeting
			for range each {
				_, _ = io.WriteString(conn, "MAIL FROM:<a@example.com>\r\nRCPT TO:<ops@example.net>\r\nDATA\r\n")
				for range 3 {
					_, _ = p.r.ReadLine()
				}
				_, _ = io.WriteString(conn, strings.Repeat("two kilobytes of text\r\n", 100)+".\r\n")
				if line, err := p.r.ReadLine(); err != nil || !strings.HasPrefix(line, "250 2.0.0") {
					t.Errorf("reply: got %q, %v, want 250", line, err)
					return
				}
			}
		})
	}
	all.Wait()
	rate := connections * each / time.Since(begin).Seconds()
	limit := connections / answer.Seconds()
	t.Logf("figure: %.0f messages a second with %d connections, %.2f of the limit of %.0f", rate, connections, rate/limit, limit)
	if rate < limit/2 {
		t.Errorf("rate: got %.0f messages a second, want at least %.0f", rate, limit/2)
	}
}
