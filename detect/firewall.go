package detect

import (
	"context"
	"slices"
	"sync"
)

// firewallReader reads the local rules at most once, as soon as something does
// not get through.
type firewallReader struct {
	query queryFunc
	root  bool
	once  sync.Once
	done  chan struct{}
	rules firewall
}

func (f *firewallReader) start(ctx context.Context) {
	if !f.root {
		return
	}
	f.once.Do(func() {
		f.done = make(chan struct{})
		go func() {
			defer close(f.done)
			f.rules = readFirewall(ctx, f.query)
		}()
	})
}

// find waits for the rules, if they were asked for, and looks for the one that
// stops p.
func (f *firewallReader) find(p packet) *rule {
	if !f.wait() {
		return nil
	}
	return f.rules.find(p)
}

// wait reports whether the rules were asked for, once they are there.
func (f *firewallReader) wait() bool {
	f.once.Do(func() {}) // nothing failed: nothing to look for
	if f.done == nil {
		return false
	}
	<-f.done
	return true
}

// complete reports whether nftables could be asked, which sees every rule but
// those of the legacy iptables.
func (f *firewallReader) complete() bool {
	return f.wait() && slices.Contains(f.rules.read, "nft")
}
