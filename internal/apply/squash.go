package apply

import (
	"time"

	"relayhost/internal/config"
	"relayhost/internal/host"
)

// compose joins the steps of changes, newest first, to what they did together.
// The order of steps is that of the newest change that touches each file. A copy of what
// was there before the first change would do only if nobody else wrote these files between
// two changes: what somebody has added then is kept (back).
func compose(past []journal) []step {
	at := map[string]int{}
	var all []step
	for _, j := range past {
		var new []step
		for _, s := range j.Steps {
			if i, ok := at[s.Target]; ok && i >= 0 {
				all[i].Before, all[i].Edit = back(s, all[i])
				all[i].Secret = all[i].Secret || s.Secret
				continue
			}
			new = append(new, s)
		}
		// Files that only the older change touched come first: Postfix's own
		// configuration, which every change touches, stays last.
		all = append(new, all...)
		for i, s := range all {
			at[s.Target] = i
		}
	}
	return all
}

// back is what a file was before older, when newer is undone already. What
// somebody has written into it between the two stays; where it cannot be told
// from ours, it is given as a difference.
func back(older, newer step) (state, *Difference) {
	edit := newer.Edit
	if edit == nil {
		edit = older.Edit
	}
	switch found := newer.Before; {
	case found.same(older.After), !found.Exists, found.Dir, older.Source != "", older.Path == config.Path: // as decide has them
		return older.Before, edit
	case older.Secret, older.After.data == nil, found.data == nil, older.Before.Exists && older.Before.data == nil:
	default:
		if merged, ok := merge(older.After.data, older.Before.data, found.data); ok {
			return withText(found, merged, older.Before.Exists), edit
		}
	}
	if edit == nil {
		d := differenceTo(older, newer.Before, "as it was before a later change")
		edit = &d
	}
	return older.Before, edit
}

// withText is s with another text, or nothing where that is empty and no file was
// there.
func withText(s state, text []byte, was bool) state {
	if len(text) == 0 && !was {
		return state{}
	}
	s.Mtime = time.Time{}
	s.data, s.Sum = text, host.Sum(text)
	return s
}
