package ui

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestInUntil(t *testing.T) {
	silent, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	defer writer.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := io.ReadAll((&Streams{In: silent}).InUntil(ctx)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a pipe that nobody writes to: %v, want %v", err, context.DeadlineExceeded)
	}

	if _, err := writer.WriteString("all of it"); err != nil {
		t.Fatal(err)
	}
	writer.Close()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("all of it"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, in := range []*os.File{silent, file} {
		data, err := io.ReadAll((&Streams{In: in}).InUntil(t.Context()))
		if err != nil || string(data) != "all of it" {
			t.Errorf("%s: got %q and the error %v, want %q and no error", in.Name(), data, err, "all of it")
		}
	}
}
