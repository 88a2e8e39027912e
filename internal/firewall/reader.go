package firewall

import (
	"context"
	"slices"
	"sync"
)

// Reader reads the local rules at most once, as soon as something does
// not be permitted.
type Reader struct {
	Query Query
	Root  bool // without root no tool tells its rules
	once  sync.Once
	done  chan struct{}
	rules rules
}

// Start begins to read; only the first call counts.
func (f *Reader) Start(ctx context.Context) {
	if !f.Root {
		return
	}
	f.once.Do(func() {
		f.done = make(chan struct{})
		go func() {
			defer close(f.done)
			f.rules = read(ctx, f.Query)
		}()
	})
}

// Find waits for the rules, if they were asked for, and looks for the one that
// stops p.
func (f *Reader) Find(p Packet) *Rule {
	if !f.wait() {
		return nil
	}
	return f.rules.find(p)
}

// wait reports whether the rules were asked for, once they are there.
func (f *Reader) wait() bool {
	f.once.Do(func() {}) // nothing failed: nothing to look for
	if f.done == nil {
		return false
	}
	<-f.done
	return true
}

// Complete reports whether nftables could be asked, which sees every rule but
// those of the legacy iptables.
func (f *Reader) Complete() bool {
	return f.wait() && slices.Contains(f.rules.able, "nft")
}
