package ui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"relayhost/internal/lab/vt"
)

// person sits in front of a terminal whose other side the prompts use.
type person struct {
	t      *testing.T
	master *os.File
	slave  *os.File
	screen *vt.Screen
}

// sit opens a terminal. One that is deaf answers no cursor query.
func sit(t *testing.T, cols int, deaf bool) *person {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	p := &person{t: t, master: os.NewFile(uintptr(fd), "ptmx"), screen: vt.New(cols, 24)}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: uint16(cols)})
	}
	if err == nil {
		p.slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	if !deaf {
		p.screen.Reply = p.types
	}
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		_, _ = io.Copy(p.screen, p.master)
	}()
	t.Cleanup(func() {
		_ = p.slave.Close()
		_ = p.master.Close()
		<-shown
	})
	return p
}

func (p *person) types(text string) { _, _ = p.master.WriteString(text) }

// streams are those of a program on the terminal.
func (p *person) streams() *Streams { return &Streams{In: p.slave, Out: p.slave, Err: p.slave} }

func (p *person) sees(text string) {
	p.t.Helper()
	for end := time.Now().Add(20 * time.Second); !strings.Contains(p.screen.String(), text); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("screen after 20 s: got\n%s\nwant %q in it", p.shown(), text)
		}
	}
}

// shown is the screen without the password: for messages.
func (p *person) shown() string { return strings.ReplaceAll(p.screen.String(), "pässword", "***") }

// hesitate is the moment that a person needs; a full terminal needs none: it is ready
// as soon as a question is seen.
func hesitate(deaf bool) {
	if deaf {
		time.Sleep(20 * time.Millisecond)
	}
}

func (p *person) mode() unix.Termios {
	m, err := unix.IoctlGetTermios(int(p.slave.Fd()), unix.TCGETS)
	if err != nil {
		p.t.Fatal(err)
	}
	return *m
}

var fruit = []Option{
	{Value: "apple", Text: "Apple", Detail: "red, and of a long description that no narrow terminal can show on one line"},
	{Value: "pear", Text: "Pear", Detail: "green"}, {Value: "plum", Text: "Plum"},
}

// answers are what the questions of questionnaire brought.
type answers struct {
	fruit, name, secret string
	yes                 bool
}

func questionnaire(p Prompter) (a answers, err error) {
	if a.fruit, err = p.Select("Fruit", fruit); err != nil {
		return a, err
	}
	notShort := func(s string) error {
		if len(s) < 3 {
			return errors.New("that is too short")
		}
		return nil
	}
	if a.name, err = p.Input("Name", "", notShort); err != nil {
		return a, err
	}
	if a.secret, err = p.Secret("Password", notShort); err != nil {
		return a, err
	}
	a.yes, err = p.Confirm("All right?")
	return a, err
}

// run answers the questionnaire in the background.
func (p *person) run(ctx context.Context) <-chan error {
	done := make(chan error, 1)
	go func() {
		prompter, err := NewPrompter(ctx, p.streams())
		if err == nil {
			var a answers
			a, err = questionnaire(prompter)
			want := answers{"pear", "Sébastien Øster", "pässword R;1R", true}
			if err == nil && a != want {
				err = fmt.Errorf("answers %q, %q, the password %t, %t, want %q, %q, true, %t", a.fruit, a.name, a.secret == want.secret, a.yes, want.fruit, want.name, want.yes)
			}
		}
		done <- err
	}()
	return done
}

func (p *person) ends(done <-chan error) error {
	p.t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(30 * time.Second):
		p.t.Fatalf("questions: got no end within 30 s, want one\n%s", p.shown())
		return nil
	}
}

// stages are the four questions: what is seen, what answers them on a full
// terminal, by key, and on one that is deaf.
var stages = []struct{ see, key, deaf string }{
	{"Fruit", "\x1b[B\r", "2\r"},
	{"Name", "x\x7fSébastien \x1b[1;5C\x1b[5~Oster\x1b[D\x1b[D\x1b[D\x1b[D\x1b[D\x1b[3~Ø\r", "xyz\x7f\x7f\x7fSébastien Øster\r"},
	{"Password", "pässword R;1R\r", "pässword R;1R\r"},
	{"All right", "y\r", "yes\r"},
}

func TestQuestions(t *testing.T) {
	t.Parallel()
	for _, cols := range []int{80, 40} {
		for _, deaf := range []bool{false, true} {
			how := func(i int) string {
				if deaf {
					return stages[i].deaf
				}
				return stages[i].key
			}
			t.Run(fmt.Sprintf("by_key/%d/deaf=%v", cols, deaf), func(t *testing.T) {
				t.Parallel()
				p := sit(t, cols, deaf)
				before := p.mode()
				done := p.run(t.Context())
				for i, s := range stages {
					p.sees(s.see)
					if i == 0 && !deaf {
						p.sees("[arrows, Enter")
						if w := p.screen.Wrapped(); w != 0 {
							t.Errorf("a line of the list is %d columns wide, want 0:\n%s", w, p.screen)
						}
					}
					hesitate(deaf)
					p.types(how(i))
				}
				if err := p.ends(done); err != nil {
					t.Errorf("questions: got %v, want no error\n%s", err, p.shown())
				}
				if after := p.mode(); after != before {
					t.Errorf("mode of the terminal: got %+v, want %+v as before", after, before)
				}
				if strings.Contains(p.screen.String(), "pässword") {
					t.Errorf("screen: got the password (*** here) in\n%s\nwant none of it", p.shown())
				}
				if u := p.screen.Unknown(); len(u) > 0 {
					t.Errorf("sequences that no terminal knows: got %q, want none", u)
				}
			})
			t.Run(fmt.Sprintf("typed_ahead/%d/deaf=%v", cols, deaf), func(t *testing.T) {
				t.Parallel()
				p := sit(t, cols, deaf)
				all := "pear\r" + "ab\r" + "Sébastien Øster\r" + "pässword R;1R\r" + "y\r"
				p.types(all)
				if err := p.ends(p.run(t.Context())); err != nil {
					t.Errorf("questions that are answered ahead: got %v, want no error\n%s", err, p.shown())
				}
				p.sees("too short")
			})
			for stop := range stages {
				for name, breaks := range map[string]string{"ctrl_c": "\x03", "ctrl_d": "\x04"} {
					if deaf && name == "ctrl_c" {
						continue // a signal there, which the next test sends
					}
					t.Run(fmt.Sprintf("%s_at_%d/%d/deaf=%v", name, stop, cols, deaf), func(t *testing.T) {
						t.Parallel()
						p := sit(t, cols, deaf)
						before := p.mode()
						done := p.run(t.Context())
						for i := range stop {
							p.sees(stages[i].see)
							hesitate(deaf)
							p.types(how(i))
						}
						p.sees(stages[stop].see)
						hesitate(deaf)
						p.types(breaks)
						if err := p.ends(done); !errors.Is(err, ErrInterrupted) {
							t.Errorf("got %v, want %v\n%s", err, ErrInterrupted, p.shown())
						}
						if after := p.mode(); after != before {
							t.Errorf("mode of the terminal: got %+v, want %+v as before", after, before)
						}
					})
				}
			}
		}
	}
}

// TestBack: "<" and Esc leave each question for the one before, and the terminal as it
// was.
func TestBack(t *testing.T) {
	t.Parallel()
	for _, deaf := range []bool{false, true} {
		for name, typed := range map[string]string{"less_than": "<\r", "esc": "\x1b"} {
			for stop := range stages {
				if deaf && name == "esc" {
					continue // such a terminal hands on whole lines
				}
				t.Run(fmt.Sprintf("%s_at_%d/deaf=%v", name, stop, deaf), func(t *testing.T) {
					t.Parallel()
					p := sit(t, 80, deaf)
					before := p.mode()
					done := p.run(t.Context())
					for i, s := range stages[:stop] {
						p.sees(s.see)
						hesitate(deaf)
						if deaf {
							p.types(stages[i].deaf)
						} else {
							p.types(s.key)
						}
					}
					p.sees(stages[stop].see)
					hesitate(deaf)
					p.types(typed)
					if err := p.ends(done); !errors.Is(err, ErrBack) {
						t.Errorf("got %v, want %v\n%s", err, ErrBack, p.shown())
					}
					if after := p.mode(); after != before {
						t.Errorf("mode of the terminal: got %+v, want %+v as before", after, before)
					}
				})
			}
		}
	}
}

// TestQuestionEndsWithContext: a signal ends a question and leaves the
// terminal as it was.
func TestQuestionEndsWithContext(t *testing.T) {
	t.Parallel()
	for _, deaf := range []bool{false, true} {
		for stop := range stages {
			t.Run(fmt.Sprintf("%d/deaf=%v", stop, deaf), func(t *testing.T) {
				t.Parallel()
				p := sit(t, 80, deaf)
				before := p.mode()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				done := p.run(ctx)
				for i := range stop {
					p.sees(stages[i].see)
					hesitate(deaf)
					if deaf {
						p.types(stages[i].deaf)
					} else {
						p.types(stages[i].key)
					}
				}
				p.sees(stages[stop].see)
				hesitate(deaf)
				cancel()
				if err := p.ends(done); !errors.Is(err, ErrInterrupted) {
					t.Errorf("got %v, want %v\n%s", err, ErrInterrupted, p.shown())
				}
				if after := p.mode(); after != before {
					t.Errorf("mode of the terminal: got %+v, want %+v as before", after, before)
				}
			})
		}
	}
}

func TestPick(t *testing.T) {
	tests := []struct {
		typed string
		want  string // "" is refused
	}{
		{"", "apple"}, {"1", "apple"}, {"3", "plum"}, {"0", ""}, {"4", ""}, {"-1", ""},
		{"PEAR", "pear"}, {"pe", "pear"}, {"p", ""}, {"kiwi", ""},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%q", tt.typed), func(t *testing.T) {
			got := ""
			if i, err := pick(tt.typed, fruit); err == nil {
				got = fruit[i].Value
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestNextKey(t *testing.T) {
	typed := "aé\x1b[A\x1bOB\x1b[200~x\x1b[1;5C\x1bb\x04\x1b[3~"
	var got []string
	for rest := []byte(typed); len(rest) > 0; {
		key, n := nextKey(rest)
		if n == 0 {
			t.Fatalf("nextKey(%q): got 0 bytes read, want at least 1", rest)
		}
		if len(key) > 0 {
			got = append(got, string(key))
		}
		rest = rest[n:]
	}
	want := []string{"a", "é", "\x1b[A", "\x1bOB", "x", "\x03", "\x1b[3~"}
	if !slices.Equal(got, want) {
		t.Errorf("keys %q, want %q", got, want)
	}
	for _, incomplete := range []string{"\x1b", "\x1b[", "\x1b[1;", "\xc3"} {
		t.Run(fmt.Sprintf("%q", incomplete), func(t *testing.T) {
			if _, n := nextKey([]byte(incomplete)); n != 0 {
				t.Errorf("nextKey(%q): got %d bytes read, want 0 for a key that is incomplete", incomplete, n)
			}
		})
	}
}

func TestEdited(t *testing.T) {
	for typed, want := range map[string]string{
		"abc": "abc", "ab\x7fc": "ac", "\x7fa": "a", "foo\x15bar": "bar", "a\x1b[24;80Rb": "ab", "\x1b[200~p\x1b[201~": "p", "a\x00b": "ab",
	} {
		t.Run(fmt.Sprintf("%q", typed), func(t *testing.T) {
			if got := edited([]byte(typed)); got != want {
				t.Errorf("%q is %q, want %q", typed, got, want)
			}
		})
	}
}

// A refused answer comes back with arrow up, to be edited; one that is typed anew is
// taken as before, and arrow up means nothing where no answer was refused.
func TestRefusedAnswerIsEdited(t *testing.T) {
	for name, keys := range map[string]string{
		"edited":     "\x1b[A" + strings.Repeat("\x7f", len("el.net")) + "le.net\r",
		"typed":      "mail.example.net\r",
		"and erased": "\x1b[A" + strings.Repeat("\x7f", len("mail.exampel.net")) + "mail.example.net\r",
	} {
		t.Run(name, func(t *testing.T) {
			p := sit(t, 80, false)
			prompter, err := NewPrompter(t.Context(), p.streams())
			if err != nil {
				t.Fatal(err)
			}
			got := make(chan string, 2)
			go func() {
				host, err := prompter.Input("Host", "", func(s string) error {
					if s != "mail.example.net" {
						return errors.New("DNS has no address for " + s)
					}
					return nil
				})
				got <- fmt.Sprint(host, err)
				host, err = prompter.Input("Port", "", nil)
				got <- fmt.Sprint(host, err)
			}()
			p.sees("Host:")
			p.types("\x1b[Amail.exampel.net\r")
			p.sees("(arrow up brings it back to edit)\n? Host:")
			p.types(keys)
			p.sees("Port:")
			p.types("\x1b[A25\r")
			if host, port := <-got, <-got; host != "mail.example.net<nil>" || port != "25<nil>" {
				t.Errorf("got %s and %s, want mail.example.net and 25", host, port)
			}
		})
	}
}
