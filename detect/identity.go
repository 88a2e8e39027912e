package detect

import (
	"slices"

	"relayhost/internal/host"
)

// identify names the provider by local files alone. Certain signs go before
// likely ones, the catalogue's order decides among equals: the first hit wins,
// whatever else matches.
func identify(r *host.Reader, hosts []HostEntry) Host {
	local := newSigns(r)
	found := Host{Confidence: None, Evidence: []string{}}
	for _, certain := range []bool{true, false} {
		for _, entry := range hosts {
			for _, signal := range entry.DMI {
				if signal.Certain != certain {
					continue
				}
				evidence, ok := local.match(signal)
				switch {
				case !ok:
				case found.Provider == "":
					found.Provider, found.Name = entry.ID, entry.Name
					found.Confidence = Likely
					if certain {
						found.Confidence = Certain
					}
					found.Evidence = append(found.Evidence, evidence)
				case found.Provider == entry.ID && !slices.Contains(found.Evidence, evidence):
					found.Evidence = append(found.Evidence, evidence)
				}
			}
		}
	}
	if found.Provider == "" {
		found.Evidence = append(found.Evidence, local.nothing())
	}
	return found
}

// nothing says why no provider was recognised.
func (s *signs) nothing() string {
	vendor, product := s.cache[dmiDir+"sys_vendor"], s.cache[dmiDir+"product_name"]
	switch {
	case vendor == "" && product == "" && len(s.modalias) == 0:
		return "no DMI strings on this machine"
	case vendor == "Microsoft Corporation" && product == "Virtual Machine":
		return "Hyper-V without the asset tag of Azure"
	default:
		return "DMI strings of no known provider: sys_vendor " + shown(vendor) + ", product_name " + shown(product)
	}
}

// maxString is how much of a DMI string is shown, in bytes: no vendor needs more,
// and it fits on one line.
const maxString = 64

func shown(text string) string {
	if text == "" {
		return "(none)"
	}
	return clean(text[:min(len(text), maxString)])
}
