package ui

import (
	"os"
	"sync"
)

// output is standard output. It keeps the first error, since those who print to
// it line by line look at none.
type output struct {
	file *os.File

	mu  sync.Mutex
	err error
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.file.Write(p)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		o.err = err
	}
	return n, err
}

// Fd makes a terminal known as such.
func (o *output) Fd() uintptr { return o.file.Fd() }

// Lost is the error of the first write of the answer that has failed, as on a
// full disk; nil where all of it is out.
func (s *Streams) Lost() error {
	o, ok := s.Out.(*output)
	if !ok {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}
