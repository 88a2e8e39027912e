package apply

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"relayhost/internal/host"
)

// Drift is what has become of a file that relayhost wrote.
type Drift string

// The kinds of drift.
const (
	DriftNone    Drift = "unchanged"
	DriftForeign Drift = "edited_elsewhere" // somebody changed it, but nothing of ours
	DriftEdited  Drift = "edited"           // somebody changed what is ours
	DriftRemoved Drift = "removed"
	// DriftCompiled is a table that somebody has compiled again from the text that
	// relayhost wrote: Berkeley DB makes another file each time.
	DriftCompiled Drift = "compiled_again"
	DriftMode     Drift = "mode" // the content is ours, but others may read the secret in it
)

// DriftItem is one file that the changes so far have left.
type DriftItem struct {
	Path  string `json:"path"`
	State Drift  `json:"state"`
	Diff  string `json:"diff,omitempty"` // from what relayhost wrote; "" for secrets
}

// FindDrift compares every file that relayhost has written, and that should
// still be there, with what is there now. It changes nothing. No change at all
// gives no items, and files of another instance of Postfix than o's, which a setup of that
// one restores, are not among them.
func FindDrift(r *host.Reader, o Options) ([]DriftItem, error) {
	past, err := readHistory(r, o.stateDir())
	if err != nil {
		return nil, err
	}
	var items []DriftItem
	texts := map[string]bool{} // that are as relayhost wrote them
	sources := map[string]string{}
	var dirs []string
	for _, j := range past {
		dirs = append(dirs, o.of(j).configDir())
	}
	own := filepath.Clean(o.configDir())
	for _, s := range compose(past) {
		if dir := instanceOf(s.Path, dirs); s.After.Dir || !s.After.Exists || dir != "" && dir != own {
			continue
		}
		now, err := look(r, s.Target)
		if errors.Is(err, fs.ErrPermission) {
			return nil, fmt.Errorf("drift: %w", err)
		}
		if err != nil { // a directory or a FIFO where our file was
			now = state{}
		}
		item := drift(s, now)
		if s.Source == "" && item.State == DriftNone {
			texts[s.Path] = true
		}
		if s.Source != "" && item.State == DriftEdited && now.Mode&0o077&^s.After.Mode == 0 && now.UID == s.After.UID {
			sources[s.Path] = s.Source
		}
		items = append(items, item)
	}
	for i, item := range items {
		if texts[sources[item.Path]] {
			items[i].State, items[i].Diff = DriftCompiled, ""
		}
	}
	return items, nil
}

func drift(s step, now state) DriftItem {
	item := DriftItem{Path: s.Path, State: DriftNone}
	switch {
	case !now.Exists:
		item.State = DriftRemoved
	case now.same(s.After):
		if s.Secret && now.Mode&0o077&^s.After.Mode != 0 {
			item.State = DriftMode
		}
	default:
		item.State = DriftEdited
		item.Diff = difference(s, now).Diff
		// If ours can still be taken out, nobody has touched ours.
		if _, ok := merge(s.After.data, s.Before.data, now.data); ok && !s.Secret && s.After.data != nil {
			item.State = DriftForeign
		}
	}
	return item
}
