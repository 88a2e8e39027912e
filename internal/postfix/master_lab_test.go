//go:build lab

package postfix_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"relayhost/internal/lab"
	"relayhost/internal/postfix"
)

// TestLabMasterAgreesWithPostconf holds ParseMaster against "postconf -F", which
// prints every entry in one normal form.
func TestLabMasterAgreesWithPostconf(t *testing.T) {
	t.Parallel()
	for _, suite := range suites() {
		t.Run(string(suite), func(t *testing.T) {
			s := lab.New(t, lab.On(suite)).Server
			texts := []string{s.ReadFile("/etc/postfix/master.cf")}
			r := rand.New(rand.NewPCG(5, 26))
			for len(texts) < 300 {
				texts = append(texts, postfix.RandomMaster(r))
			}
			files := make(map[string]string)
			for i, text := range texts {
				files[fmt.Sprintf("tmp/cf/%d/main.cf", i)] = "inet_protocols = ipv4\n"
				files[fmt.Sprintf("tmp/cf/%d/master.cf", i)] = text
			}
			unpack(t, s, files)
			out := s.Shell(fmt.Sprintf(`cd /tmp/cf && seq 0 %d | xargs -P 50 -I{} sh -c 'postconf -c /tmp/cf/{} -F >{}/out 2>{}/err; echo $? >{}/rc'
				for i in $(seq 0 %[1]d); do cat $i/out; echo "@@ $(cat $i/rc) $(grep -m1 fatal: $i/err)"; done`, len(texts)-1))
			normal, i, fatal, entries := "", 0, 0, 0
			for line := range strings.Lines(out) {
				line = strings.TrimSuffix(line, "\n")
				if verdict, ok := strings.CutPrefix(line, "@@ "); ok {
					m, err := postfix.ParseMaster([]byte(texts[i]))
					if refused := verdict[0] != '0'; refused != (err != nil) {
						t.Errorf("ParseMaster: want what postconf says, %s, got the error %v\n%q", verdict, err, texts[i])
					} else if refused {
						fatal++
					} else {
						n, err := postfix.ParseMaster([]byte(normal))
						if err != nil {
							t.Fatal(err)
						}
						if diff := cmp.Diff(n.Services(), m.Services()); diff != "" {
							t.Errorf("got %s, want none\n%q", diff, texts[i])
						}
						entries += len(m.Services())
					}
					normal = ""
					i++
					continue
				}
				// "smtp/unix/chroot = y", one field a line, the first is the name.
				field, value, _ := strings.Cut(line, " = ")
				if strings.HasSuffix(field, "/service") {
					normal += "\n"
				}
				normal += value + " "
			}
			t.Logf("%d texts, %d entries equal, %d texts fatal for both", i, entries, fatal)
			if i != len(texts) || entries < 300 || fatal < 3 {
				t.Errorf("got %d texts, %d entries and %d fatal texts, want %d, 300 and 3 at least", i, entries, fatal, len(texts))
			}
		})
	}
}
