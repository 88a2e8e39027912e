package detect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"time"
)

// Limits of the metadata services: they are one hop away, or not there.
const (
	metadataConnect = 500 * time.Millisecond
	metadataTotal   = time.Second
	metadataStagger = 150 * time.Millisecond // of silence, before IPv6 joins (RFC 8305 races)
	metadataMaxBody = 64 << 10               // bytes
)

// instance is what a metadata service says of this server. provider is set
// where the answer names another one than DMI did (OVHcloud on OpenStack).
type instance struct {
	provider   string
	region     string
	id         string
	publicIPv4 string
	proof      string // what in the answer shows that it is the right service
}

// answer of a metadata service, already bounded.
type answer struct {
	header http.Header
	body   []byte
}

var errNotMetadata = errors.New("not the answer of this metadata service")

// ask sends one request; headers are pairs of name and value.
func (c *metadataClient) ask(ctx context.Context, method, path string, headers ...string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, nil)
	if err != nil {
		return answer{}, err
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	c.alive()
	if resp.StatusCode != http.StatusOK {
		return answer{}, fmt.Errorf("%s: %w: HTTP status %d", path, errNotMetadata, resp.StatusCode)
	}
	// The page of a captive portal comes with status 200 as well.
	if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); kind == "text/html" {
		return answer{}, fmt.Errorf("%s: %w: an HTML page", path, errNotMetadata)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, metadataMaxBody+1))
	switch {
	case err != nil:
		return answer{}, fmt.Errorf("%s: %w", path, err)
	case len(body) > metadataMaxBody:
		return answer{}, fmt.Errorf("%s: %w: more than %d KiB", path, errNotMetadata, metadataMaxBody>>10)
	}
	return answer{resp.Header, body}, nil
}

func (c *metadataClient) get(ctx context.Context, path string, headers ...string) (answer, error) {
	return c.ask(ctx, http.MethodGet, path, headers...)
}

// json decodes the answer to path into v.
func (c *metadataClient) json(ctx context.Context, v any, path string, headers ...string) error {
	a, err := c.get(ctx, path, headers...)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(a.body, v); err != nil {
		return fmt.Errorf("%s: %w: %w", path, errNotMetadata, err)
	}
	return nil
}

// word asks for one short value; "" when there is none.
func (c *metadataClient) word(ctx context.Context, path string, headers ...string) string {
	a, err := c.get(ctx, path, headers...)
	if err != nil {
		return ""
	}
	return oneWord(string(a.body))
}

// token asks for a session token with PUT.
func (c *metadataClient) token(ctx context.Context, path string, headers ...string) (string, error) {
	a, err := c.ask(ctx, http.MethodPut, path, headers...)
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(a.body))
	if token == "" || len(token) > 4096 || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("%s: %w: no token", path, errNotMetadata)
	}
	return token, nil
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$`)

// oneWord returns text if it can be a region, an id or an address, else "".
func oneWord(text string) string {
	text = strings.TrimSpace(text)
	if !plainWord.MatchString(text) {
		return ""
	}
	return text
}

// clean drops values that are not of the shape they should have.
func (i instance) clean() instance {
	i.region, i.id = oneWord(i.region), oneWord(i.id)
	if addr, err := netip.ParseAddr(i.publicIPv4); err != nil || !addr.Is4() || !public(addr) {
		i.publicIPv4 = ""
	}
	return i
}

// carrierNAT is the address space that providers share among customers (RFC 6598).
var carrierNAT = netip.MustParsePrefix("100.64.0.0/10")

// public reports whether addr can be this server's address on the internet.
func public(addr netip.Addr) bool {
	return addr.IsGlobalUnicast() && !addr.IsPrivate() && !carrierNAT.Contains(addr)
}

func (r *run) askMetadata(ctx context.Context, h Host) Host {
	reader, ok := r.reader(h)
	if !ok {
		return h
	}
	found, dialled, err := reader.ask(ctx, effortOf(r.NoProbe))
	r.left.Add(effortOf(r.NoProbe).connections - dialled)
	if err != nil {
		// No answer does not mean another provider: the service can be
		// switched off, and its hop limit drops answers to containers.
		h.Evidence = append(h.Evidence, "metadata: "+clean(err.Error()))
		return h
	}
	h.Region, h.InstanceID, h.PublicIPv4 = found.region, found.id, found.publicIPv4
	h.Evidence = append(h.Evidence, "metadata: "+found.proof)
	if other, ok := HostByID(found.provider); ok {
		h.Provider, h.Name, h.Confidence = other.ID, other.Name, Certain
		return h
	}
	// The answer of OpenStack names no provider, that of Exoscale anybody's.
	if h.Provider != "openstack" {
		h.Confidence = Certain
	}
	return h
}
