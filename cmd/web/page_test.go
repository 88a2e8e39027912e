//go:build lab

package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"relayhost/internal/web"
)

// built is the site, made once for all tests.
func built(t *testing.T) string {
	t.Helper()
	dir, err := builtSite()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// serve is a plain file server for the site, below a path, as any may be. stop ends it.
func serve(t *testing.T, dir string) (base string, stop func()) {
	t.Helper()
	s := httptest.NewServer(http.StripPrefix("/some/path/", http.FileServer(http.Dir(dir))))
	stop = sync.OnceFunc(s.Close)
	t.Cleanup(stop)
	return s.URL + "/some/path/", stop
}

func plain(distribution, relay string, port int) web.Form {
	return web.Form{Distribution: distribution, Hostname: "mail.example.com",
		Routes: []web.Route{{Name: "default", From: "app@example.com", Hops: []web.Hop{{Relay: relay, Port: port}}}}}
}

// TestLabPageSize holds the bound of the first load: what a browser fetches for index.html.
func TestLabPageSize(t *testing.T) {
	t.Parallel()
	const most = 2_600_000
	dir, total := built(t), 0
	for _, name := range []string{"index.html", "app.js", "worker.js", "style.css", "data.json", "wasm_exec.js", "relayhost.wasm.gz"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil && !strings.HasSuffix(name, ".gz") {
			data, err = compress(data)
		}
		if err != nil {
			t.Fatal(err)
		}
		total += len(data)
	}
	t.Logf("figure: web page: first load %d bytes compressed (bound %d)", total, most)
	if total > most {
		t.Errorf("got a first load of %d bytes, want at most %d", total, most)
	}
}
