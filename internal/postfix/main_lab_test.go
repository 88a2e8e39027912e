//go:build lab

package postfix_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/postfix"
)

// suites are the Debian releases whose Postfix the parser is held against.
func suites() []lab.Suite {
	if os.Getenv("LAB_FULL") == "" {
		return []lab.Suite{lab.Bookworm}
	}
	return []lab.Suite{lab.Bullseye, lab.Bookworm, lab.Trixie, lab.Sid}
}

// unpack writes files on the server. Their time is long past, so that postconf
// does not wait for them to cool down.
func unpack(t *testing.T, s *lab.Server, files map[string]string) {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, text := range files {
		h := &tar.Header{Name: name, Mode: 0o644, Size: int64(len(text)), ModTime: time.Now().Add(-time.Hour)}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if r := s.RunInput(b.String(), "tar", "-C", "/", "-xf", "-"); r.Code != 0 {
		t.Fatalf("tar: got %s\nwant exit 0", r)
	}
}

// collapse writes white space as postconf -n does.
func collapse(value string) string {
	return strings.Join(strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(" \t\r\n", r) }), " ")
}

// TestLabMainAgreesWithPostconf holds ParseMain and Get against the real
// postconf: for every text the same parameters with the same values, and a
// failure for exactly the same texts.
func TestLabMainAgreesWithPostconf(t *testing.T) {
	t.Parallel()
	for _, suite := range suites() {
		t.Run(fmt.Sprint(suite), func(t *testing.T) {
			s := lab.New(t, lab.On(suite)).Server
			texts := postfix.SeedMains()
			for _, path := range strings.Fields(s.Shell("ls /etc/postfix/main.cf* /usr/share/postfix/main.cf*")) {
				texts = append(texts, s.ReadFile(path))
			}
			seeds := len(texts)
			r := rand.New(rand.NewPCG(5, 25))
			want := 500
			if os.Getenv("LAB_FULL") != "" {
				want = 1000
			}
			for len(texts) < want {
				texts = append(texts, postfix.RandomMain(r))
			}
			var fatal, values int
			for batch := range slices.Chunk(texts, 125) {
				f, v := compare(t, s, batch)
				fatal, values = fatal+f, values+v
			}
			t.Logf("%d texts (%d seeds), %d values equal, %d texts fatal for both", len(texts), seeds, values, fatal)
			if seeds < 204 || fatal < want/20 || values < 3*want {
				t.Errorf("too little was compared: %d seeds, want 204; %d fatal, want %d; %d values, want %d", seeds, fatal, want/20, values, 3*want)
			}
		})
	}
}

func compare(t *testing.T, s *lab.Server, texts []string) (fatal, values int) {
	t.Helper()
	files := make(map[string]string)
	for i, text := range texts {
		files[fmt.Sprintf("tmp/cf/%d/main.cf", i)] = text
		files[fmt.Sprintf("tmp/cf/%d/master.cf", i)] = ""
	}
	unpack(t, s, files)
	known := make(map[string]bool)
	for line := range strings.Lines(s.Shell("postconf -d 2>/dev/null")) {
		name, _, _ := strings.Cut(line, " ")
		known[name] = true
	}
	// A Postfix program that dies sleeps for a second first (msg_fatal(3)), so
	// they run side by side.
	out := s.Shell(fmt.Sprintf(`cd /tmp/cf && seq 0 %d | xargs -P 50 -I{} sh -c 'postconf -c /tmp/cf/{} -n >{}/out 2>{}/err; echo "@@ {} $? $(grep -m1 fatal: {}/err)" >>{}/out'
		for i in $(seq 0 %[1]d); do echo $i/out; done | xargs cat; rm -rf /tmp/cf`, len(texts)-1))
	shown := make(map[string]string)
	i := 0
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		if !strings.HasPrefix(line, "@@ ") {
			name, value, _ := strings.Cut(line, " =")
			shown[name] = strings.TrimSpace(value)
			continue
		}
		delete(shown, "config_directory") // by -c
		refused := !strings.HasPrefix(line, fmt.Sprintf("@@ %d 0 ", i))
		m, err := postfix.ParseMain([]byte(texts[i]))
		switch {
		case strings.Contains(line, "macro processing error"):
			// "${" without end, found when the value is used and not before.
			if err != nil {
				t.Errorf("postconf %s, ParseMain: got the error %v, want none", line, err)
			}
		case (err != nil) != refused:
			t.Errorf("ParseMain: want what postconf says, %s, got the error %v\n%q", line, err, texts[i])
		case refused:
			fatal++
		default:
			values += agree(t, m, shown, known, texts[i])
		}
		clear(shown)
		i++
	}
	if i != len(texts) {
		t.Fatalf("got %d texts through postconf, want %d", i, len(texts))
	}
	return fatal, values
}

func agree(t *testing.T, m *postfix.Main, shown map[string]string, known map[string]bool, text string) (values int) {
	t.Helper()
	for _, name := range m.Names() {
		got, _ := m.Get(name)
		want, isShown := shown[name]
		if !known[name] && !isShown {
			continue // postconf -n does not show what it does not know
		}
		if !isShown || collapse(got) != want {
			t.Errorf("%s: Get gives %q, postconf %q (shown: %v)\n%q", name, got, want, isShown, text)
		}
		values++
	}
	for name := range shown {
		if _, ok := m.Get(name); !ok {
			t.Errorf("%s: got nothing by Get, want what postconf shows\n%q", name, text)
		}
	}
	return values
}
