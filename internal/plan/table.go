package plan

import (
	"fmt"

	"relayhost/internal/postfix"
)

// entries are those of the table at path; none of one that is not there or that
// cannot be read.
func entries(s postfix.State, path string) []postfix.Entry {
	source, err := postfix.ParseSource(s.Maps[path])
	if err != nil {
		return nil
	}
	return source.Entries()
}

// source is the table at path, to be changed.
func (b *builder) source(path string) (*postfix.Source, error) {
	source, err := postfix.ParseSource(b.s.Maps[path])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return source, nil
}
