//go:build unix

package bridge

import (
	"context"
	"encoding/pem"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"relayhost/internal/bridge/api"
	"relayhost/internal/bridge/conf"
	"relayhost/internal/secret"
)

// started is the opener of a bridge that has read its configuration, with a CA file, and is
// not confined.
func started(t *testing.T) (o *opener, c conf.Config) {
	t.Helper()
	directory := t.TempDir()
	server := httptest.NewTLSServer(nil)
	t.Cleanup(server.Close)
	c = conf.Config{Host: "smtp.example.net", Port: 587, Username: "app", Password: secret.New("Gehe1m"), CAFile: filepath.Join(directory, "ca.pem")}
	replace(t, c.CAFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	text, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	replace(t, filepath.Join(directory, "m365.conf"), string(text))
	o = newOpener(directory, "m365")
	if c, err = o.load(); err != nil {
		t.Fatal(err)
	}
	o.read = &c
	return o, c
}

// replace puts a file in place of another by renaming.
func replace(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// TestStale: a process is over when another puts a file in the place of one that it has
// read. Until then it goes on with the roots that it has.
func TestStale(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(t *testing.T, o *opener, c conf.Config)
		want   bool
	}{
		{"nothing", func(*testing.T, *opener, conf.Config) {}, false},
		{"the configuration", func(t *testing.T, o *opener, _ conf.Config) { replace(t, filepath.Join(o.directory, "m365.conf"), "x") }, true},
		{"the CA file", func(t *testing.T, _ *opener, c conf.Config) { replace(t, c.CAFile, "x") }, true},
		{"the CA file is gone", func(t *testing.T, _ *opener, c conf.Config) {
			if err := os.Remove(c.CAFile); err != nil {
				t.Fatal(err)
			}
		}, false},
		{"a CA file that was missing", func(_ *testing.T, o *opener, c conf.Config) {
			o.cas[c.CAFile] = readAuthority(c.CAFile + ".missing")
		}, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			o, c := started(t)
			before, err := o.server(c)
			if err != nil || before.Roots == nil {
				t.Fatalf("roots: got %v, %v, want those of the CA file", before.Roots, err)
			}
			row.change(t, o, c)
			if got := o.stale(); got != row.want {
				t.Errorf("stale: got %t, want %t", got, row.want)
			}
			if row.name == "a CA file that was missing" {
				return
			}
			if after, err := o.server(c); err != nil || !after.Roots.Equal(before.Roots) {
				t.Errorf("roots after the change: got %v, want those from before", err)
			}
		})
	}
}

// TestListenFresh: a process whose configuration has changed hands no more mail on. A
// connection that idles ends, one that comes before the process has noticed is told to come
// again, and the process ends by itself.
func TestListenFresh(t *testing.T) {
	for _, row := range []struct {
		name string
		next string // what the next connection is told; "": there is none
	}{{"nobody comes", ""}, {"somebody comes at once", "421 4.3.0 relayhost: " + errStale.Error() + "\r\n"}} {
		t.Run(row.name, func(t *testing.T) {
			path := t.TempDir() + "/s"
			l, err := net.Listen("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			mailgun, _ := api.Get("mailgun")
			var changed atomic.Bool
			hold := make(chan struct{}) // of the look that is not a connection's
			if row.next == "" {
				close(hold)
			}
			looks := atomic.Int32{}
			stale := func() bool {
				if looks.Add(1) == 1 {
					<-hold
				}
				return changed.Load()
			}
			ended := make(chan error, 1)
			go func() {
				ended <- listenFresh(t.Context(), l, "bridge.example", stale, func(context.Context) (Hop, error) {
					return NewHTTPS(&api.Client{API: mailgun}, t.TempDir()), nil
				})
			}()
			for looks.Load() == 0 {
				time.Sleep(time.Millisecond)
			}
			dial := func() net.Conn {
				conn, err := net.Dial("unix", path)
				if err != nil {
					t.Fatal(err)
				}
				_ = conn.SetDeadline(time.Now().Add(time.Minute))
				return conn
			}
			idle := dial()
			defer idle.Close()
			hello := make([]byte, len("220 "))
			if _, err := io.ReadFull(idle, hello); err != nil || string(hello) != "220 " {
				t.Fatalf("got %q, %v, want 220", hello, err)
			}
			changed.Store(true)
			if row.next != "" {
				next := dial()
				defer next.Close()
				if said, err := io.ReadAll(next); err != nil || string(said) != row.next {
					t.Errorf("the next connection: got %q, %v, want %q", said, err, row.next)
				}
				close(hold)
			}
			if rest, err := io.ReadAll(idle); err != nil || strings.Contains(string(rest), "\n2") {
				t.Errorf("the connection that idles: got %q, %v, want its end", rest, err)
			}
			select {
			case err := <-ended:
				if err != nil {
					t.Errorf("got %v, want an end", err)
				}
			case <-time.After(time.Minute):
				t.Error("listenFresh: got no end within a minute, want one")
			}
		})
	}
}
