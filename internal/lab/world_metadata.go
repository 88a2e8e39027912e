package lab

import (
	"bytes"
	"fmt"
	"log"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// CloudMachine is a server at a provider: what its firmware says, and what its
// metadata service answers.
type CloudMachine struct {
	ID     string
	Source string            // where the documents below come from
	DMI    map[string]string // files of /sys/class/dmi/id

	// What a detector should find. "" where the service does not tell.
	Region, InstanceID, PublicIPv4 string

	at      []string // address and port of the service; none: it has no such service
	names   []string // host names of the service
	headers map[string]string
	routes  []metadataRoute
}

// metadataRoute is one document of a metadata service.
type metadataRoute struct {
	method string // "" is GET
	path   string // with the query, where it counts
	need   map[string]string
	refuse int // status when a header that is needed is missing or wrong
	kind   string
	body   string
}

// MetadataRequest is a request that came.
type MetadataRequest struct {
	To     string // address and port
	Method string
	URI    string // path and query
	Header http.Header
	Status int // of the answer; 0 for a trap that gives none
}

// Metadata is the metadata service of the world's cloud.
type Metadata struct {
	mu       sync.Mutex
	requests []MetadataRequest
}

// MetadataTrap answers in a metadata service's place.
type MetadataTrap func(http.ResponseWriter, *http.Request)

// Cloud puts the server on a provider: "aws", "gcp", ... as in [Clouds]. Its
// DMI files are set and its metadata service runs. With a trap, that answers
// in the service's place; with nil, nothing listens there.
func Cloud(id string, trap ...MetadataTrap) Option {
	return func(c *config) {
		m, ok := clouds()[id]
		if !ok {
			c.services = append(c.services, func(w *World) { w.must(fmt.Errorf("no cloud %q", id)) })
			return
		}
		DMI(m.DMI)(c)
		c.services = append(c.services, func(w *World) {
			var handler http.Handler = m
			if len(trap) > 0 {
				handler = http.HandlerFunc(trap[0])
			}
			if len(trap) == 0 || trap[0] != nil {
				w.must(w.startMetadata(handler, m.at, m.names))
			}
		})
	}
}

// Trap plays a trap at every address that metadata services have, on a server
// that no DMI tells about.
func Trap(trap MetadataTrap) Option {
	return func(c *config) {
		c.services = append(c.services, func(w *World) {
			var at []string
			for _, m := range clouds() {
				for _, addr := range m.at {
					if !slices.Contains(at, addr) {
						at = append(at, addr)
					}
				}
			}
			w.must(w.startMetadata(http.HandlerFunc(trap), at, nil))
		})
	}
}

// Clouds are the providers that [Cloud] knows, by id.
func Clouds() []string { return slices.Sorted(maps.Keys(clouds())) }

// CloudOf tells what there is to find on a provider's server.
func CloudOf(id string) CloudMachine { return *clouds()[id] }

// Metadata returns the metadata service, with its log of requests. Where no
// service was started, the log is empty.
func (s *services) Metadata() *Metadata {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.metadata == nil {
		s.metadata = &Metadata{}
	}
	return s.metadata
}

// startMetadata serves the handler at the addresses.
func (s *services) startMetadata(h http.Handler, at, names []string) error {
	m := s.Metadata()
	server := &http.Server{
		Handler:           m.logged(h),
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          log.New(&bytes.Buffer{}, "", 0),
	}
	s.t.Cleanup(func() { _ = server.Close() })
	for _, addr := range at {
		if to, err := netip.ParseAddrPort(addr); err == nil && to.Addr().Is6() && to.Addr().IsLinkLocalUnicast() {
			s.neighbours = append(s.neighbours, neighbour{to, func(l net.Listener) { _ = server.Serve(l) }})
			continue
		}
		l, err := s.net.Listen("tcp", addr)
		if err != nil {
			return fmt.Errorf("metadata: %w", err)
		}
		go func() { _ = server.Serve(l) }()
	}
	for _, name := range names {
		s.DNS.Set(name, "A", netip.MustParseAddrPort(at[0]).Addr().String())
	}
	return nil
}

// Requests returns what came so far, the oldest first.
func (m *Metadata) Requests() []MetadataRequest {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.requests)
}

// WithoutToken counts the GETs for EC2 paths that bore no IMDSv2 token: each
// would raise the customer's MetadataNoToken alarm.
func (m *Metadata) WithoutToken() int {
	n := 0
	for _, r := range m.Requests() {
		if r.Method == http.MethodGet && strings.HasPrefix(r.URI, "/latest/") && r.Header.Get("X-Aws-Ec2-Metadata-Token") == "" {
			n++
		}
	}
	return n
}

func (m *Metadata) logged(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to := ""
		if addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
			to = addr.String()
		}
		m.mu.Lock()
		n := len(m.requests)
		m.requests = append(m.requests, MetadataRequest{To: to, Method: r.Method, URI: r.RequestURI, Header: r.Header.Clone()})
		m.mu.Unlock()
		h.ServeHTTP(&statusWriter{w, func(code int) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.requests[n].Status = code
		}}, r)
	})
}

// statusWriter notes the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	note func(int)
}

func (w *statusWriter) WriteHeader(code int) {
	w.note(code)
	w.ResponseWriter.WriteHeader(code)
}

// Flush lets a trap send its first bytes.
func (w *statusWriter) Flush() {
	if f, ok := w.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}

// ServeHTTP answers as the provider's metadata service.
func (m *CloudMachine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for k, v := range m.headers {
		w.Header().Set(k, v)
	}
	for _, route := range m.routes {
		if !route.matches(r) {
			continue
		}
		for k, v := range route.need {
			if got := r.Header.Get(k); got == "" || v != "*" && got != v {
				w.WriteHeader(route.refuse)
				return
			}
		}
		kind := route.kind
		if kind == "" {
			kind = "text/plain"
		}
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write([]byte(route.body))
		return
	}
	w.WriteHeader(http.StatusNotFound)
}

func (route metadataRoute) matches(r *http.Request) bool {
	method := route.method
	if method == "" {
		method = http.MethodGet
	}
	path, query, asked := strings.Cut(route.path, "?")
	return r.Method == method && r.URL.Path == path && (!asked || r.URL.RawQuery == query)
}

// CaptivePortal answers everything with 200 and a login page, as the Fortinet
// firewall of github.com/elastic/beats issue 47291 does after its redirect.
func CaptivePortal(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write([]byte(`<html><head><title>Firewall Authentication</title></head><body><form action="/fgtauth">...</form></body></html>`))
}

// CaptiveRedirect answers everything with 303 and the way to a login page
// (the same issue). Who follows it asks /fgtauth, which says 200.
func CaptiveRedirect(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/fgtauth" {
		CaptivePortal(w, r)
		return
	}
	w.Header().Set("Location", "http://169.254.169.254/fgtauth?0400028c8a0f2d5b")
	w.WriteHeader(http.StatusSeeOther)
}

// HangingMetadata takes the request and never answers.
func HangingMetadata(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// DrippingMetadata sends one byte of JSON a second.
func DrippingMetadata(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if _, err := w.Write([]byte("[")); err != nil {
			return
		}
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
	}
}

// HugeMetadata sends 1 GiB of JSON.
func HugeMetadata(w http.ResponseWriter, _ *http.Request) {
	const size = 1 << 30
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", fmt.Sprint(size))
	w.WriteHeader(http.StatusOK)
	chunk := bytes.Repeat([]byte("["), 1<<16)
	for sent := 0; sent < size; sent += len(chunk) {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

// WrongMetadata answers everything with JSON that has the right keys and
// values of other kinds.
func WrongMetadata(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write([]byte(`{"droplet_id":{"id":1},"imageId":["ami-1"],"instanceId":7,"compute":"Azure","region":[],"uuid":{},"id":[1,2],"cloud_name":3,"instance-v2-id":9,"access_token":{}}`))
}

// OpenStackEC2 answers EC2's paths as OpenStack does: without any token, and
// with an ami-id (github.com/chef/ohai pull request 783).
func OpenStackEC2(w http.ResponseWriter, r *http.Request) {
	m := clouds()["openstack"]
	m.ServeHTTP(w, r)
}
