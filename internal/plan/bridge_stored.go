package plan

import (
	"path/filepath"
	"strings"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/postfix"
)

// BridgeEntry is a hop of a bridge, with what the bridge is told of it. Name is that of
// its state (conf.HopName): the bridge's own, where it has one hop.
type BridgeEntry struct {
	Name   string
	Config conf.Config
}

// Bridge is the name of the bridge.
func (e BridgeEntry) Bridge() string {
	name, _, _ := strings.Cut(e.Name, ".")
	return name
}

// StoredBridges are the hops of the bridges that master.cf starts now, as far as their
// configurations could be read.
func StoredBridges(s postfix.State) (list []BridgeEntry) {
	for _, path := range bridgeFiles(s) {
		if text, ok := s.Maps[path]; ok {
			list = appendBridge(list, path, text)
		}
	}
	return list
}

// Bridges are the hops of the bridges of the plan, without the ones that it removes.
func (p Plan) Bridges() (list []BridgeEntry) {
	for _, f := range p.Files {
		if filepath.Dir(f.Path) == conf.Directory && f.Action != Remove {
			list = appendBridge(list, f.Path, f.After)
		}
	}
	return list
}

func appendBridge(list []BridgeEntry, path string, text []byte) []BridgeEntry {
	c, err := conf.Parse(text)
	if err != nil {
		return list
	}
	name := strings.TrimSuffix(filepath.Base(path), ".conf")
	for _, h := range c.Hops() {
		list = append(list, BridgeEntry{conf.HopName(name, h.Number), h})
	}
	return list
}
