package plan

import (
	"path/filepath"
	"strings"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/postfix"
)

// BridgeEntry is a bridge by its name, with what it is told.
type BridgeEntry struct {
	Name   string
	Config conf.Config
}

// StoredBridges are the bridges that master.cf starts now, as far as their
// configurations could be read.
func StoredBridges(s postfix.State) (list []BridgeEntry) {
	for _, path := range bridgeFiles(s) {
		if text, ok := s.Maps[path]; ok {
			list = appendBridge(list, path, text)
		}
	}
	return list
}

// Bridges are those of the plan, without the ones that it removes.
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
	return append(list, BridgeEntry{strings.TrimSuffix(filepath.Base(path), ".conf"), c})
}
