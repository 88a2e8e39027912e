package maillog

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"relayhost/internal/host"
)

func TestSince(t *testing.T) {
	r := &host.Reader{Root: t.TempDir()}
	now := time.Now().Truncate(time.Second)
	line := func(ago time.Duration, id string) string {
		return now.Add(-ago).Format(time.RFC3339) + " host postfix/relayhost-ses/smtp[7]: " + id + ": removed\n"
	}
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(r.Root, "var/log", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	past := func() (ids []string, from time.Time) {
		t.Helper()
		from, err := (Log{File: "/var/log/mail.log"}).Since(t.Context(), r, now.Add(-24*time.Hour), func(l Line) { ids = append(ids, l.QueueID) })
		if err != nil {
			t.Fatal(err)
		}
		return ids, from
	}
	if ids, from := past(); len(ids) != 0 || !from.IsZero() {
		t.Errorf("without a log: got %q from %v, want none and no time", ids, from)
	}
	write("mail.log.1", line(30*time.Hour, "4F0C2A11")+"nothing of Postfix's\n"+line(20*time.Hour, "4F0C2A12"))
	write("mail.log", line(2*time.Hour, "4F0C2A13")+line(time.Minute, "4F0C2A14")) // without an end, as it is written
	ids, from := past()
	if got, want := fmt.Sprint(ids), "[4F0C2A12 4F0C2A13 4F0C2A14]"; got != want || !from.Equal(now.Add(-30*time.Hour)) {
		t.Errorf("%s from %v, want %s from 30 hours ago, where the file begins", got, from, want)
	}
	old := now.Add(-48 * time.Hour)
	if err := os.Chtimes(filepath.Join(r.Root, "var/log/mail.log.1"), old, old); err != nil {
		t.Fatal(err)
	}
	if ids, _ := past(); fmt.Sprint(ids) != "[4F0C2A13 4F0C2A14]" {
		t.Errorf("with a rotated file of two days ago: %q, want the last two", ids)
	}
}
