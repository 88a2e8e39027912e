package apply

import (
	"path/filepath"

	"relayhost/internal/host"
	"relayhost/internal/postfix"
)

// quieten writes main.cf without the definitions that later ones override, for as
// long as Postfix reads it: with maillog_file each of its programs would warn of
// them in the log that Postfix writes itself, which can stop all of it for ever
// (postfix.Control). What main.cf says stays the same. The function that it returns
// puts the text back; it is nil where there is nothing to warn of, or where main.cf
// is none of the files of this change, so that no journal knows it.
func (x executor) quieten() (aloud func() error, err error) {
	if !x.ownsMain || x.h.Root != "" {
		return nil, nil
	}
	path, err := x.h.Follow(filepath.Join(x.o.configDir(), "main.cf"))
	if err != nil {
		return nil, err
	}
	loud, err := look(&x.h.Reader, path)
	if err != nil {
		return nil, err
	}
	text, ok := undoubled(loud)
	if !ok {
		return nil, nil
	}
	spec := host.Spec{Mode: loud.Mode, UID: loud.UID, GID: loud.GID, Xattrs: loud.Xattrs, Mtime: loud.Mtime, Expect: loud.Sum}
	if err := x.h.WriteFile(path, text, spec); err != nil {
		return nil, err
	}
	return func() error {
		spec.Expect = host.Sum(text)
		return x.h.WriteFile(path, loud.data, spec)
	}, nil
}

// undoubled is the text of a main.cf that sets maillog_file, without overridden
// definitions; false where there are none.
func undoubled(s state) ([]byte, bool) {
	main, err := postfix.ParseMain(s.data)
	if err != nil || !s.Exists || len(main.Dups()) == 0 {
		return nil, false
	}
	if file, _ := main.Get("maillog_file"); file == "" {
		return nil, false
	}
	main.DropOverridden()
	return main.Bytes(), true
}

// quieted reports whether now is what quieten makes of s before or after its step:
// the run died while Postfix read it.
func quieted(s step, now state) bool {
	if filepath.Base(s.Path) != "main.cf" || !now.Exists {
		return false
	}
	for _, loud := range []state{s.Before, s.After} {
		if text, ok := undoubled(loud); ok && host.Sum(text) == now.Sum {
			return true
		}
	}
	return false
}
