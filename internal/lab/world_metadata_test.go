package lab

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// metadataClient asks the world's addresses over loopback.
func metadataClient(t *testing.T, n *loopback) *http.Client {
	t.Helper()
	tr := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, n.at("tcp", addr))
	}}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 5 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// reply is an answer that has been read.
type reply struct {
	StatusCode    int
	Header        http.Header
	ContentLength int64
}

// fetch returns status, header and body.
func fetch(t *testing.T, c *http.Client, method, url string, headers map[string]string) (reply, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatalf("%s %s: got the error %v, want none", method, url, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: got the error %v, want none", method, url, err)
	}
	return reply{resp.StatusCode, resp.Header, resp.ContentLength}, string(body)
}

func TestIMDSv2(t *testing.T) {
	w, n := testWorld(t, Cloud("aws"))
	c := metadataClient(t, n)
	for _, base := range []string{"http://169.254.169.254", "http://[fd00:ec2::254]"} {
		resp, _ := fetch(t, c, "GET", base+"/latest/meta-data/instance-id", nil)
		if resp.StatusCode != 401 || resp.Header.Get("Server") != "EC2ws" {
			t.Errorf("without a token: got %d %v, want 401 of the server %q", resp.StatusCode, resp.Header, "EC2ws")
		}
		if resp, _ := fetch(t, c, "PUT", base+"/latest/api/token", nil); resp.StatusCode != 400 {
			t.Errorf("token without a time to live: got %d, want 400", resp.StatusCode)
		}
		_, token := fetch(t, c, "PUT", base+"/latest/api/token", map[string]string{"X-aws-ec2-metadata-token-ttl-seconds": "60"})
		header := map[string]string{"X-aws-ec2-metadata-token": token}
		_, doc := fetch(t, c, "GET", base+"/latest/dynamic/instance-identity/document", header)
		var id struct{ ImageID, InstanceID, Region string }
		if err := json.Unmarshal([]byte(doc), &id); err != nil || id.InstanceID != CloudOf("aws").InstanceID || id.Region != CloudOf("aws").Region {
			t.Errorf("document: got %+v and the error %v, want instance %q, region %q and no error", id, err, CloudOf("aws").InstanceID, CloudOf("aws").Region)
		}
		if _, ip := fetch(t, c, "GET", base+"/latest/meta-data/public-ipv4", header); ip != CloudOf("aws").PublicIPv4 {
			t.Errorf("address %q, want %q", ip, CloudOf("aws").PublicIPv4)
		}
	}
	if n := w.Metadata().WithoutToken(); n != 2 {
		t.Errorf("%d requests without a token, want 2", n)
	}
	if r := w.Metadata().Requests(); len(r) != 10 || r[0].Status != 401 || r[3].Status != 200 || r[1].Method != "PUT" {
		t.Errorf("requests: got %+v, want 10: the first with status 401, the second a PUT, the fourth with status 200", r)
	}
}

// Each provider's documents are reached as its documentation says, and hold
// what a detector should find.
func TestCloudDocuments(t *testing.T) {
	requests := map[string][]string{ // method, URL, headers as pairs
		"gcp":          {"GET", "http://169.254.169.254/computeMetadata/v1/instance/?recursive=true", "Metadata-Flavor", "Google"},
		"azure":        {"GET", "http://169.254.169.254/metadata/instance?api-version=2021-02-01", "Metadata", "true"},
		"digitalocean": {"GET", "http://169.254.169.254/metadata/v1.json"},
		"hetzner":      {"GET", "http://169.254.169.254/hetzner/v1/metadata"},
		"ovh":          {"GET", "http://169.254.169.254/openstack/latest/meta_data.json"},
		"openstack":    {"GET", "http://169.254.169.254/openstack/latest/meta_data.json"},
		"vultr":        {"GET", "http://169.254.169.254/v1.json"},
		"linode":       {"GET", "http://[fd00:a9fe:a9fe::1]/v1/instance", "Metadata-Token", "c249f11bc2abf86a3d4f4be7d3c2b5a1"},
		"oracle":       {"GET", "http://169.254.169.254/opc/v2/instance/", "Authorization", "Bearer Oracle"},
		"scaleway":     {"GET", "http://169.254.42.42/conf?format=json"},
		"alibaba":      {"GET", "http://100.100.100.200/latest/meta-data/instance-id", "X-aliyun-ecs-metadata-token", "AQAAAABlab0token"},
		"tencent":      {"GET", "http://169.254.0.23/latest/meta-data/instance-id"},
		"ibm":          {"GET", "http://169.254.169.254/metadata/v1/instance?version=2022-03-01", "Authorization", "Bearer eyJraWQiOiJsYWIifQ.lab.token"},
		"upcloud":      {"GET", "http://169.254.169.254/metadata/v1.json"},
		"exoscale":     {"GET", "http://169.254.169.254/1.0/meta-data/instance-id"},
	}
	for id, r := range requests {
		t.Run(id, func(t *testing.T) {
			w, n := testWorld(t, Cloud(id))
			c, m := metadataClient(t, n), CloudOf(id)
			headers := map[string]string{}
			for i := 2; i < len(r); i += 2 {
				headers[r[i]] = r[i+1]
			}
			resp, body := fetch(t, c, r[0], r[1], headers)
			if resp.StatusCode != 200 || !strings.Contains(body, m.InstanceID) || m.InstanceID == "" {
				t.Errorf("status %d, %s, want 200 and %v in it", resp.StatusCode, body, m.InstanceID)
			}
			if resp.Header.Get("Content-Type") == jsonKind && !json.Valid([]byte(body)) {
				t.Errorf("%s: got\n%s\nwant valid JSON", r[1], body)
			}
			if len(headers) > 0 {
				if resp, _ := fetch(t, c, r[0], r[1], nil); resp.StatusCode < 400 {
					t.Errorf("without its header: status %d, want at least 400", resp.StatusCode)
				}
			}
			if resp, _ := fetch(t, c, "GET", strings.Split(r[1], "//")[0]+"//"+strings.Split(r[1], "/")[2]+"/no/such/path", nil); resp.StatusCode != 404 {
				t.Errorf("unknown path: status %d, want 404", resp.StatusCode)
			}
			for _, name := range m.names {
				if !w.DNS.Has(name) {
					t.Errorf("DNS: got no record of %s, want one", name)
				}
			}
		})
	}
	for _, id := range Clouds() {
		m := CloudOf(id)
		if m.Source == "" || len(m.DMI) == 0 {
			t.Errorf("%s: got source %q and DMI %v, want both", id, m.Source, m.DMI)
		}
		if _, ok := requests[id]; !ok && !slices.Contains([]string{"aws", "contabo", "hyperv", "brightbox"}, id) {
			t.Errorf("%s: got no request for it in this test, want one", id)
		}
		for _, route := range m.routes {
			if route.kind == jsonKind && !json.Valid([]byte(route.body)) {
				t.Errorf("%s %s: got\n%s\nwant valid JSON", id, route.path, route.body)
			}
		}
	}
}

func TestMetadataTraps(t *testing.T) {
	const url = "http://169.254.169.254/latest/meta-data/ami-id"
	get := func(t *testing.T, trap MetadataTrap, limit time.Duration) (*World, reply, int, error) {
		t.Helper()
		w, n := testWorld(t, Trap(trap))
		c := metadataClient(t, n)
		c.Timeout = limit
		resp, err := c.Get(url)
		if err != nil {
			return w, reply{}, 0, err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		return w, reply{resp.StatusCode, resp.Header, resp.ContentLength}, len(body), err
	}
	w, resp, size, err := get(t, CaptivePortal, time.Second)
	if err != nil || resp.StatusCode != 200 || size == 0 || len(w.Metadata().Requests()) != 1 {
		t.Errorf("portal: got %+v, %d bytes, %d requests and the error %v, want status 200, 1 byte or more, 1 request and no error", resp, size, len(w.Metadata().Requests()), err)
	}
	if _, resp, _, err := get(t, CaptiveRedirect, time.Second); err != nil || resp.StatusCode != 303 || !strings.Contains(resp.Header.Get("Location"), "/fgtauth?") {
		t.Errorf("redirect: got %+v and the error %v, want status 303, %q in Location and no error", resp, err, "/fgtauth?")
	}
	if _, _, _, err := get(t, HangingMetadata, 200*time.Millisecond); err == nil {
		t.Error("hanging: got an answer, want an error")
	}
	if _, resp, size, err := get(t, DrippingMetadata, 200*time.Millisecond); resp.StatusCode != 200 || size != 1 || err == nil {
		t.Errorf("drip: got %+v, %d bytes and the error %v, want status 200, 1 byte and an error", resp, size, err)
	}
	if _, resp, size, err := get(t, HugeMetadata, 5*time.Second); err != nil || resp.ContentLength != 1<<30 || size != 1<<20 {
		t.Errorf("huge: got %d bytes of %+v and the error %v, want %d of %d and no error", size, resp, err, 1<<20, 1<<30)
	}
	if _, resp, _, err := get(t, WrongMetadata, time.Second); err != nil || resp.StatusCode != 200 {
		t.Errorf("wrong JSON: got %+v and the error %v, want status 200 and no error", resp, err)
	}
	if _, resp, size, err := get(t, OpenStackEC2, time.Second); err != nil || resp.StatusCode != 200 || size == 0 {
		t.Errorf("OpenStack: got %+v, %d bytes and the error %v, want status 200, 1 byte or more and no error", resp, size, err)
	}
	_, n := testWorld(t, Cloud("hetzner", nil))
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, ok := n.real["tcp "+linkLocal]; ok {
		t.Errorf("Cloud(%q, nil): got a service at %s, want none", "hetzner", linkLocal)
	}
}
