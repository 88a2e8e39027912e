package detect

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// whereAmI completes the identity that local files gave: by the metadata
// service of the provider that they named, and where the provider is still
// open by reverse DNS and the AS number.
func (r *run) whereAmI(ctx context.Context, h Host) Host {
	h = r.askMetadata(ctx, h)
	close(r.settled)
	if h.PublicIPv4 == "" {
		if addr, ok := r.ownAddress(); ok {
			h.PublicIPv4 = addr.String()
		}
	}
	if r.NoMetadata || h.Provider != "" && h.Provider != "openstack" {
		return h
	}
	addr, err := netip.ParseAddr(h.PublicIPv4)
	if err != nil {
		return h
	}
	return r.byNetwork(ctx, h, addr)
}

// ownAddress is the first public IPv4 address of an interface.
func (r *run) ownAddress() (netip.Addr, bool) {
	for _, a := range r.local() {
		if a.Is4() && public(a) {
			return a, true
		}
	}
	return netip.Addr{}, false
}

// reverseLimit bounds each of the two look-ups that can name a network.
const reverseLimit = 2 * time.Second

func (r *run) byNetwork(ctx context.Context, h Host, addr netip.Addr) Host {
	ctx, cancel := context.WithTimeout(ctx, reverseLimit)
	defer cancel()
	names, _ := r.Resolver.PTR(ctx, addr)
	for _, name := range names {
		for _, entry := range r.hosts {
			if under(strings.ToLower(name), entry.Metadata.PTRSuffix) {
				return h.likely(entry, "reverse DNS of "+addr.String()+" is "+clean(name))
			}
		}
	}
	if !r.ASN {
		return h
	}
	for _, asn := range r.asns(ctx, addr) {
		for _, entry := range r.hosts {
			if slices.Contains(entry.Metadata.ASN, asn) {
				return h.likely(entry, fmt.Sprintf("%s is announced by AS%d", addr, asn))
			}
		}
		h.Evidence = append(h.Evidence, fmt.Sprintf("%s is announced by AS%d, of no known provider", addr, asn))
	}
	return h
}

func (h Host) likely(entry HostEntry, evidence string) Host {
	h.Provider, h.Name, h.Confidence = entry.ID, entry.Name, Likely
	h.Evidence = append(h.Evidence, evidence)
	return h
}

// asns asks Team Cymru's IP-to-ASN service over DNS, once
// (https://team-cymru.com/community-services/ip-asn-mapping): a TXT record
// "23028 | 216.90.108.0/24 | US | arin | 1998-09-25". The first field can hold
// several numbers; of several records the longest prefix counts.
func (r *run) asns(ctx context.Context, addr netip.Addr) []uint32 {
	records, err := r.Resolver.TXT(ctx, cymruName(addr))
	if err != nil {
		return nil
	}
	var found []uint32
	longest := -1
	for _, record := range records {
		fields := strings.Split(record, "|")
		if len(fields) < 2 {
			continue
		}
		prefix, err := netip.ParsePrefix(strings.TrimSpace(fields[1]))
		if err != nil || prefix.Bits() <= longest || !prefix.Contains(addr) {
			continue
		}
		longest, found = prefix.Bits(), nil
		for _, word := range strings.Fields(fields[0]) {
			if n, err := strconv.ParseUint(word, 10, 32); err == nil {
				found = append(found, uint32(n))
			}
		}
	}
	return found
}

// cymruName turns 216.90.108.31 into 31.108.90.216.origin.asn.cymru.com.
func cymruName(addr netip.Addr) string {
	var name strings.Builder
	if addr.Is4() {
		b := addr.As4()
		fmt.Fprintf(&name, "%d.%d.%d.%d.origin.asn.cymru.com", b[3], b[2], b[1], b[0])
		return name.String()
	}
	b := addr.As16()
	for i := 15; i >= 0; i-- {
		fmt.Fprintf(&name, "%x.%x.", b[i]&15, b[i]>>4)
	}
	return name.String() + "origin6.asn.cymru.com"
}
