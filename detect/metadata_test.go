package detect

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// page is one answer of a metadata service.
type page struct {
	body    string
	headers []string // pairs
}

const (
	awsDocument = `{"imageId":"ami-0abcdef1234567890","instanceId":"i-0123456789abcdef0","region":"eu-west-1"}`
	ovhNetwork  = `{"links":[{"type":"bgpovs","id":"tap1"}]}`
)

// services are the answers of the real ones, as cloud-init 04eacd06
// (tests/unittests/sources), coroot 89a16af8 and the OpenTelemetry detectors
// 09ea2f42 have them. A key is "METHOD path".
var services = map[string]struct {
	pages map[string]page
	want  instance
}{
	"aws": {map[string]page{
		"PUT /latest/api/token":                          {body: "TOKEN"},
		"GET /latest/dynamic/instance-identity/document": {body: awsDocument},
		"GET /latest/meta-data/public-ipv4":              {body: "203.0.113.10"},
	}, instance{region: "eu-west-1", id: "i-0123456789abcdef0", publicIPv4: "203.0.113.10"}},
	"gcp": {map[string]page{
		"GET /computeMetadata/v1/instance/?recursive=true": {
			body:    `{"id":4520031799277581759,"zone":"projects/1/zones/europe-west1-b","networkInterfaces":[{"accessConfigs":[{"externalIp":"203.0.113.11"}]}]}`,
			headers: []string{"Metadata-Flavor", "Google"}},
	}, instance{region: "europe-west1", id: "4520031799277581759", publicIPv4: "203.0.113.11"}},
	"azure": {map[string]page{
		"GET /metadata/instance?api-version=2021-02-01": {body: `{"compute":{"azEnvironment":"AzurePublicCloud","location":"westeurope","vmId":"02aab8a4-74ef-476e-8182-f6d2ba4166a6"},"network":{"interface":[{"ipv4":{"ipAddress":[{"publicIpAddress":"203.0.113.12"}]}}]}}`},
	}, instance{region: "westeurope", id: "02aab8a4-74ef-476e-8182-f6d2ba4166a6", publicIPv4: "203.0.113.12"}},
	"digitalocean": {map[string]page{
		"GET /metadata/v1.json": {body: `{"droplet_id":2756294,"region":"nyc3","interfaces":{"public":[{"ipv4":{"ip_address":"203.0.113.13"}}]}}`},
	}, instance{region: "nyc3", id: "2756294", publicIPv4: "203.0.113.13"}},
	"hetzner": {map[string]page{
		"GET /hetzner/v1/metadata": {body: "availability-zone: fsn1-dc14\ninstance-id: 42\npublic-ipv4: 203.0.113.14\nregion: eu-central\nnetwork-config:\n  version: 1\n  region: nested\n"},
	}, instance{region: "eu-central", id: "42", publicIPv4: "203.0.113.14"}},
	"openstack": {map[string]page{
		"GET /openstack/latest/meta_data.json":    {body: `{"uuid":"d8e02d56-2648-49a3-bf97-6be8f1204f38","project_id":"p","availability_zone":"nova"}`},
		"GET /openstack/latest/network_data.json": {body: `{"links":[{"type":"ovs"}]}`},
		"GET /latest/meta-data/public-ipv4":       {body: "203.0.113.15"},
	}, instance{region: "nova", id: "d8e02d56-2648-49a3-bf97-6be8f1204f38", publicIPv4: "203.0.113.15"}},
	"vultr": {map[string]page{
		"GET /v1.json": {body: `{"instance-v2-id":"29bea708-2e6e-480a-90ad-0e6b5d5ad62f","region":{"regioncode":"EWR"},"interfaces":[{"network-type":"public","ipv4":{"address":"203.0.113.16"}}]}`},
	}, instance{region: "EWR", id: "29bea708-2e6e-480a-90ad-0e6b5d5ad62f", publicIPv4: "203.0.113.16"}},
	"linode": {map[string]page{
		"PUT /v1/token":    {body: "TOKEN"},
		"GET /v1/instance": {body: `{"id":12345,"region":"us-mia"}`},
		"GET /v1/network":  {body: `{"ipv4":{"public":["203.0.113.17/32"]}}`},
	}, instance{region: "us-mia", id: "12345", publicIPv4: "203.0.113.17"}},
	"oracle": {map[string]page{
		"GET /opc/v2/instance/": {body: `{"id":"ocid1.instance.oc1.phx.abcd","canonicalRegionName":"us-phoenix-1"}`},
	}, instance{region: "us-phoenix-1", id: "ocid1.instance.oc1.phx.abcd"}},
	"scaleway": {map[string]page{
		"GET /conf?format=json": {body: `{"id":"5ed7bb2c-1111-4000-8000-0123456789ab","zone":"fr-par-1","public_ip":{"address":"203.0.113.18"}}`},
	}, instance{region: "fr-par", id: "5ed7bb2c-1111-4000-8000-0123456789ab", publicIPv4: "203.0.113.18"}},
	"alibaba": {map[string]page{
		"PUT /latest/api/token":                                  {body: "TOKEN"},
		"GET /latest/meta-data/instance/virtualization-solution": {body: "ECS Virt"},
		"GET /latest/meta-data/region-id":                        {body: "cn-shanghai"},
		"GET /latest/meta-data/instance-id":                      {body: "i-uf6abc"},
		"GET /latest/meta-data/eipv4":                            {body: "203.0.113.19"},
	}, instance{region: "cn-shanghai", id: "i-uf6abc", publicIPv4: "203.0.113.19"}},
	"tencent": {map[string]page{
		"GET /latest/meta-data/app-id":           {body: "125000000"},
		"GET /latest/meta-data/placement/region": {body: "ap-guangzhou"},
		"GET /latest/meta-data/instance-id":      {body: "ins-abc"},
		"GET /latest/meta-data/public-ipv4":      {body: "203.0.113.20"},
	}, instance{region: "ap-guangzhou", id: "ins-abc", publicIPv4: "203.0.113.20"}},
	"ibm": {map[string]page{
		"PUT /instance_identity/v1/token?version=2022-03-01": {body: `{"access_token":"TOKEN"}`},
		"GET /metadata/v1/instance?version=2022-03-01":       {body: `{"id":"0717_abc","crn":"crn:v1:bluemix:public:is:us-south-1","zone":{"name":"us-south-1"}}`},
	}, instance{region: "us-south", id: "0717_abc"}},
	"upcloud": {map[string]page{
		"GET /metadata/v1.json": {body: `{"cloud_name":"upcloud","instance_id":"00322b68","region":"de-fra1","network":{"interfaces":[{"type":"public","ip_addresses":[{"address":"203.0.113.21","family":"IPv4","floating":false}]}]}}`},
	}, instance{region: "de-fra1", id: "00322b68", publicIPv4: "203.0.113.21"}},
	"exoscale": {map[string]page{
		"GET /1.0/meta-data/instance-id":       {body: "d8e02d56-2648-49a3-bf97-6be8f1204f38"},
		"GET /1.0/meta-data/availability-zone": {body: "CH-GV2"},
		"GET /1.0/meta-data/public-ipv4":       {body: "203.0.113.22"},
	}, instance{region: "CH-GV2", id: "d8e02d56-2648-49a3-bf97-6be8f1204f38", publicIPv4: "203.0.113.22"}},
}

// needs is the header without which the real service refuses.
var needs = map[string][2]string{
	"aws":     {"X-Aws-Ec2-Metadata-Token", "TOKEN"},
	"gcp":     {"Metadata-Flavor", "Google"},
	"azure":   {"Metadata", "true"},
	"linode":  {"Metadata-Token", "TOKEN"},
	"oracle":  {"Authorization", "Bearer Oracle"},
	"alibaba": {"X-Aliyun-Ecs-Metadata-Token", "TOKEN"},
	"ibm":     {"Authorization", "Bearer TOKEN"},
}

// serve answers as the service of kind does and counts connections.
func serve(t *testing.T, kind string) (base string, connections *atomic.Int32) {
	t.Helper()
	connections = new(atomic.Int32)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, ok := services[kind].pages[r.Method+" "+r.URL.RequestURI()]
		need := needs[kind]
		if !ok || r.Method == http.MethodGet && need[0] != "" && r.Header.Get(need[0]) != need[1] {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		for i := 0; i+1 < len(p.headers); i += 2 {
			w.Header().Set(p.headers[i], p.headers[i+1])
		}
		fmt.Fprint(w, p.body)
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s.URL, connections
}

func TestMetadataReaders(t *testing.T) {
	for kind, reader := range metadataReaders {
		t.Run(kind, func(t *testing.T) {
			base, connections := serve(t, kind)
			reader.v4, reader.v6 = base, ""
			got, _, err := reader.ask(t.Context(), alone)
			if err != nil {
				t.Fatal(err)
			}
			if got.proof == "" {
				t.Errorf("got %+v, want a proof in it", got)
			}
			got.proof = ""
			if got != services[kind].want {
				t.Errorf("got %+v, want %+v", got, services[kind].want)
			}
			if n := connections.Load(); n > 2 {
				t.Errorf("got %d connections, want at most 2", n)
			}
		})
	}
}

func TestOVHcloudIsToldFromOpenStack(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/openstack/latest/network_data.json" {
			fmt.Fprint(w, ovhNetwork)
			return
		}
		fmt.Fprint(w, services["openstack"].pages["GET "+r.URL.Path].body)
	}))
	defer s.Close()
	got, _, err := metadataReader{v4: s.URL, read: readOpenStack}.ask(t.Context(), alone)
	if err != nil || got.provider != "ovh" {
		t.Fatalf("OpenStack: got %+v and the error %v, want provider %q and no error", got, err, "ovh")
	}
}

// No service may be taken for another one: each reader meets the answers of all
// the others.
func TestMetadataOfAnotherProvider(t *testing.T) {
	for kind, reader := range metadataReaders {
		for other := range services {
			// The shape of OpenStack's uuid is that of Exoscale: DMI tells them apart.
			if other == kind {
				continue
			}
			t.Run(kind+" asks "+other, func(t *testing.T) {
				base, _ := serve(t, other)
				reader.v4, reader.v6 = base, ""
				if got, _, err := reader.ask(t.Context(), alone); err == nil {
					t.Errorf("got %+v, want an error", got)
				}
			})
		}
	}
}

// trap is a server that plays one of the falsehoods met in the wild.
func trap(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.URL
}

func TestMetadataTraps(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	forever := func(r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}
	var followed atomic.Bool
	elsewhere := trap(t, func(w http.ResponseWriter, r *http.Request) { followed.Store(true); fmt.Fprint(w, "TOKEN") })
	traps := map[string]http.HandlerFunc{
		"captive portal, 200 with a page": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "<html><body>Please log in</body></html>")
		},
		"captive portal, page called text/plain": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			fmt.Fprint(w, "<html><body>Please log in</body></html>")
		},
		"captive portal, 303": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere+"/fgtauth?1", http.StatusSeeOther)
		},
		"302 to something that fits": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere+r.URL.Path, http.StatusFound)
		},
		"one word for everything": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			fmt.Fprint(w, "ok")
		},
		"empty JSON":   func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "{}") },
		"JSON array":   func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "[]") },
		"not found":    http.NotFound,
		"switched off": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusForbidden) },
		"hangs":        func(w http.ResponseWriter, r *http.Request) { forever(r) },
		"drips one byte a second": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			for range 5 {
				fmt.Fprint(w, "T")
				w.(http.Flusher).Flush()
				select {
				case <-time.After(time.Second):
				case <-r.Context().Done():
					return
				}
			}
		},
		"sends 1 GiB": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			block := []byte(strings.Repeat("x", 1<<20))
			for range 1024 {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		},
		"1 MiB of headers": func(w http.ResponseWriter, r *http.Request) {
			for i := range 1024 {
				w.Header().Set(fmt.Sprintf("X-Fill-%d", i), strings.Repeat("x", 1024))
			}
		},
		"EC2 as OpenStack imitates it": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/latest/meta-data/ami-id" {
				fmt.Fprint(w, "ami-00000052")
				return
			}
			http.NotFound(w, r)
		},
	}
	for name, handler := range traps {
		t.Run(name, func(t *testing.T) {
			base := trap(t, handler)
			for kind, reader := range metadataReaders {
				reader.v4, reader.v6 = base, ""
				start := time.Now()
				if got, _, err := reader.ask(t.Context(), alone); err == nil {
					t.Errorf("the reader of %s: got %+v, want an error", kind, got)
				}
				if took := time.Since(start); took > metadataTotal+500*time.Millisecond {
					t.Errorf("%s took %s, want at most %s", kind, took, metadataTotal+500*time.Millisecond)
				}
				if name == "hangs" || name == "drips one byte a second" {
					break // one kind shows it, 16 would take 16 s
				}
			}
		})
	}
	if followed.Load() {
		t.Error("got a request at the target of a redirect, want none")
	}
}

// A service that hangs up after every answer does not get more connections
// than were set aside for it; beside the probes it gets one at a time.
func TestMetadataConnections(t *testing.T) {
	for kind, reader := range metadataReaders {
		for _, e := range []effort{alone, besideProbing} {
			for _, hangUp := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, second %v, hangs up %v", kind, e.second, hangUp), func(t *testing.T) {
					base := trap(t, func(w http.ResponseWriter, r *http.Request) {
						if hangUp {
							w.Header().Set("Connection", "close")
						}
						for i := 0; i+1 < len(services[kind].pages[r.Method+" "+r.URL.RequestURI()].headers); i += 2 {
							w.Header().Set("Metadata-Flavor", "Google")
						}
						fmt.Fprint(w, services[kind].pages[r.Method+" "+r.URL.RequestURI()].body)
					})
					reader.v4, reader.v6 = base, ""
					_, dialled, err := reader.ask(t.Context(), e)
					if dialled > e.connections || !hangUp && (err != nil || dialled > 1 && !e.second) {
						t.Errorf("got %d connections, %v, want at most %d", dialled, err, e.connections)
					}
				})
			}
		}
	}
}

// HTTP_PROXY is for the internet: what answers there is not this host's service.
func TestMetadataIgnoresProxies(t *testing.T) {
	var asked atomic.Bool
	proxy := trap(t, func(w http.ResponseWriter, r *http.Request) { asked.Store(true); fmt.Fprint(w, awsDocument) })
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "ALL_PROXY"} {
		t.Setenv(name, proxy)
	}
	t.Setenv("NO_PROXY", "")
	t.Setenv("no_proxy", "")
	if c := newMetadataClient("http://192.0.2.1", "", false, new(allowance), func() {}); c.http.Transport.(*http.Transport).Proxy != nil {
		t.Error("got a proxy function in the transport, want none")
	}
	base, _ := serve(t, "aws")
	if _, _, err := (metadataReader{v4: base, read: readAWS}).ask(t.Context(), alone); err != nil || asked.Load() {
		t.Errorf("with a proxy in the environment: got it asked %v and the error %v, want false and no error", asked.Load(), err)
	}
}

// IPv6 joins after the stagger, at once when IPv4 has failed, and never when
// IPv4 was quick.
func TestMetadataRace(t *testing.T) {
	good, connections := serve(t, "hetzner")
	hang := trap(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	dead := "http://127.0.0.9:9"
	for _, c := range []struct {
		name, v4, v6  string
		atLeast, most time.Duration
	}{
		{"IPv4 hangs", hang, good, metadataStagger, 900 * time.Millisecond},
		{"IPv4 refuses", dead, good, 0, metadataStagger},
		{"IPv4 answers", good, hang, 0, metadataStagger},
	} {
		t.Run(c.name, func(t *testing.T) {
			start := time.Now()
			_, _, err := metadataReader{v4: c.v4, v6: c.v6, read: readHetzner}.ask(t.Context(), alone)
			if took := time.Since(start); err != nil || took < c.atLeast || took > c.most {
				t.Errorf("got %v after %s, want at least %s and at most %s", err, took, c.atLeast, c.most)
			}
		})
	}
	if n := connections.Load(); n != 3 {
		t.Errorf("%d connections to the good service, want 3", n)
	}
	if _, _, err := (metadataReader{v4: dead, v6: dead, read: readHetzner}).ask(t.Context(), alone); err == nil {
		t.Error("two dead services: got no error, want one")
	}
}

// A link-local service is asked on few interfaces, whatever their number, and
// on none when IPv4 answers.
func TestMetadataZones(t *testing.T) {
	good, asked := serve(t, "openstack")
	silent := trap(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	var looked atomic.Int32
	zones := func(names ...string) func() []string {
		return func() []string { looked.Add(1); return names }
	}
	for _, c := range []struct {
		name, v4, v6 string
		zones        []string
		connections  int32 // to the good service
		looked       int32
		fails        bool
	}{
		{"IPv4 answers", good, silent, []string{"lo"}, 2, 0, false},
		{"IPv4 hangs", silent, good, []string{"lo"}, 1, 1, false},
		{"no interface", silent, good, nil, 0, 1, true},
		{"ten interfaces, all silent", silent, silent, []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}, 0, 1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			asked.Store(0)
			looked.Store(0)
			r := metadataReader{v4: c.v4, v6: c.v6, read: readOpenStack, many: true, nics: zones(c.zones...)}
			start := time.Now()
			_, dialled, err := r.ask(t.Context(), alone)
			if (err != nil) != c.fails || asked.Load() != c.connections || looked.Load() != c.looked {
				t.Errorf("%v; %d connections to the good service, interfaces listed %d times, want %d and %d", err, asked.Load(), looked.Load(), c.connections, c.looked)
			}
			if took := time.Since(start); dialled > alone.connections || took > metadataTotal+200*time.Millisecond {
				t.Errorf("got %d connections, %s, want at most %d and at most %s", dialled, took, alone.connections, metadataTotal+200*time.Millisecond)
			}
		})
	}
	for kind, r := range metadataReaders {
		if r.linkLocal() != (kind == "hetzner" || kind == "openstack") {
			t.Errorf("%s: link-local %v, want %v", kind, r.linkLocal(), (kind == "hetzner" || kind == "openstack"))
		}
	}
	for _, zone := range linkLocalZones() {
		if nic, err := net.InterfaceByName(zone); err != nil || nic.Flags&net.FlagLoopback != 0 {
			t.Errorf("interface %q: got %+v and the error %v, want one that is no loopback, and no error", zone, nic, err)
		}
	}
}

// Each service is read in few rounds, since a round costs a round trip: with
// the handshake at most four, and two connections. A request belongs to the
// round after the last answer that came before it.
func TestMetadataRounds(t *testing.T) {
	for kind, reader := range metadataReaders {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			done, last, asked := 0, 0, 0
			base := trap(t, func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				asked++
				round := done + 1
				last = max(last, round)
				mu.Unlock()
				time.Sleep(150 * time.Millisecond) // for those of the same round to come
				mu.Lock()
				done = max(done, round)
				mu.Unlock()
				p := services[kind].pages[r.Method+" "+r.URL.RequestURI()]
				for i := 0; i+1 < len(p.headers); i += 2 {
					w.Header().Set(p.headers[i], p.headers[i+1])
				}
				fmt.Fprint(w, p.body)
			})
			reader.v4, reader.v6 = base, ""
			_, dialled, err := reader.ask(t.Context(), alone)
			want := 3
			if kind == "aws" || kind == "linode" || kind == "openstack" || kind == "exoscale" {
				want = 2
			}
			if pages := len(services[kind].pages); err != nil || last > want || dialled > 2 || asked != pages {
				t.Errorf("got %v; %d rounds, %d connections, %d of %d requests, want at most %d and at most 2", err, last, dialled, asked, pages, want)
			}
		})
	}
}

// The vendor string of DMI stands whatever the service says.
func TestWhereAmIKeepsDMI(t *testing.T) {
	portal := trap(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "<html>") })
	r := &run{Options: Options{readers: map[string]metadataReader{"hetzner": {v4: portal, read: readHetzner}}, local: func() []netip.Addr { return nil }}, settled: make(chan struct{})}
	got := r.whereAmI(context.Background(), Host{Provider: "hetzner", Name: "Hetzner Cloud", Confidence: Certain})
	if got.Provider != "hetzner" || got.Confidence != Certain || got.Region != "" {
		t.Errorf("got %+v, want provider %q, confidence %q and no region", got, "hetzner", Certain)
	}
	if len(got.Evidence) != 1 || !strings.Contains(got.Evidence[0], "not the answer of this metadata service") {
		t.Errorf("got the evidence %q, want one line with %q in it", got.Evidence, "not the answer of this metadata service")
	}
}
