package lab

import (
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// registries are the hosts that [World.Registries] lets a server reach.
var registries = []string{"deb.debian.org", "proxy.golang.org", "sum.golang.org", "storage.googleapis.com"}

// registryAddr is where the proxy to them listens.
const registryAddr = "192.0.2.80:3128"

// Registries opens the one door out of the world: a proxy to the package
// registries of Debian and Go, for tests that install for real. It returns the
// proxy's URL, for http_proxy and https_proxy. Servers of the [Packages] layer
// need none.
func (w *World) Registries() string {
	w.t.Helper()
	ln, err := w.Listen("tcp", registryAddr)
	if err != nil {
		w.t.Fatalf("lab: registries: %v", err)
	}
	p := &doorman{}
	srv := &http.Server{Handler: p, ReadHeaderTimeout: 10 * time.Second}
	w.t.Cleanup(func() {
		_ = srv.Close()
		p.open.Wait()
	})
	go func() { _ = srv.Serve(ln) }()
	return "http://" + registryAddr
}

// doorman is the proxy. It runs in the machine's own network, in this process.
type doorman struct{ open sync.WaitGroup }

func (d *doorman) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.open.Add(1)
	defer d.open.Done()
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		host, port = r.Host, "80"
	}
	if !slices.Contains(registries, host) || (port != "80" && port != "443") {
		http.Error(w, host+" is no package registry", http.StatusForbidden)
		return
	}
	if r.Method == http.MethodConnect {
		tunnel(r.Context(), w, net.JoinHostPort(host, port))
		return
	}
	r.RequestURI = ""
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	for k, v := range resp.Header {
		w.Header()[k] = v
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body) // the client may leave
}

// tunnel joins a client to a host until either leaves.
func tunnel(ctx context.Context, w http.ResponseWriter, addr string) {
	up, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer up.Close()
	down, rest, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer down.Close()
	if _, err := io.WriteString(down, "HTTP/1.1 200 Connected\r\n\r\n"); err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(up, rest)
		_ = up.Close()
	}()
	_, _ = io.Copy(down, up)
}
