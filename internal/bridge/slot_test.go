//go:build unix

package bridge

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"
)

// TestSlotsOfProcesses: connections of another process count here, and those of one that
// was killed do not.
func TestSlotsOfProcesses(t *testing.T) {
	server := Server{Host: "relay.example", Username: "app@contoso.example", Connections: 3}
	if dir := os.Getenv("SLOTS"); dir != "" {
		var held []*slot
		for range 2 {
			s, err := takeSlot(t.Context(), dir, server)
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, s)
		}
		fmt.Println("taken")
		_, _ = io.Copy(io.Discard, os.Stdin) // until it is killed
		runtime.KeepAlive(held)
		return
	}
	dir := t.TempDir()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSlotsOfProcesses$")
	child.Env = append(os.Environ(), "SLOTS="+dir)
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "taken\n" {
		t.Fatalf("the other process: got %q, %v, want taken", line, err)
	}
	third, err := takeSlot(t.Context(), dir, server)
	if err != nil {
		t.Fatalf("third connection: got %v, want it", err)
	}
	defer third.free()
	brief, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	var busy *BusyError
	if _, err := takeSlot(brief, dir, server); !errors.As(err, &busy) {
		t.Errorf("fourth connection: got %v, want that all are in use", err)
	}
	other := server
	other.Username = "shop@contoso.example"
	if s, err := takeSlot(brief, dir, other); err != nil {
		t.Errorf("another mailbox: got %v, want a connection of its own", err)
	} else {
		s.free()
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	for range 2 {
		s, err := takeSlot(t.Context(), dir, server)
		if err != nil {
			t.Fatalf("after the other process was killed: got %v, want a connection", err)
		}
		defer s.free()
	}
}
