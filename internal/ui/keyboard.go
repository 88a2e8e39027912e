package ui

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// How long a terminal has to say where its cursor is: once before the first
// question (a connection round the world takes 0.4 s, a busy host more), and
// when survey asks.
const (
	firstAnswer = 2 * time.Second
	laterAnswer = 5 * time.Second
)

// enterAfterBack is how long an Enter still belongs to the "<" before it.
const enterAfterBack = 2 * time.Second

// maxTypedAhead bounds what is kept of input that no question has asked for.
const maxTypedAhead = 64 << 10

// cursorReport is a terminal's answer to a cursor query (CPR, ECMA-48).
var cursorReport = regexp.MustCompile(`\x1b\[\d{1,4};\d{1,4}R`)

// keyboard is a terminal as a source of keys. One keyboard serves all
// questions: survey makes a buffered reader for each and drops what that has
// read too much, so that text typed ahead would be lost. A Read gives one key
// at most, and ends when the context does.
type keyboard struct {
	ctx     context.Context
	file    *os.File
	pending []byte
	wake    *os.File  // becomes readable when ctx ends
	query   bool      // the cursor's position was asked for: its answer comes first
	mute    bool      // the terminal has stopped answering
	choice  bool      // a list or a yes or no is asked, at which "<" needs no Enter
	went    time.Time // when "<" went back without Enter, which may follow
	again   string    // refused answer, which arrow up brings back to be edited; "" for none
	list    *int      // rows that the cursor of a list has moved down; nil at other questions
}

// newKeyboard reads keys from a terminal until ctx ends.
func newKeyboard(ctx context.Context, file *os.File) (*keyboard, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = w.Close() })
	return &keyboard{ctx: ctx, file: file, wake: r}, nil
}

// Fd makes survey set the terminal's mode by the keyboard.
func (k *keyboard) Fd() uintptr { return k.file.Fd() }

// fill waits for input and adds it to what is pending. It returns false when
// none came in time.
func (k *keyboard) fill(wait time.Duration) (bool, error) {
	if len(k.pending) > maxTypedAhead {
		return false, errors.New("too much input for a question")
	}
	ms := -1
	if wait >= 0 {
		ms = int(wait.Milliseconds())
	}
	fds := []unix.PollFd{
		{Fd: int32(k.file.Fd()), Events: unix.POLLIN},
		{Fd: int32(k.wake.Fd()), Events: unix.POLLIN},
	}
	n, err := unix.Poll(fds, ms)
	switch {
	case errors.Is(err, unix.EINTR):
		return k.ctx.Err() == nil, k.ended()
	case err != nil:
		return false, err
	case k.ctx.Err() != nil:
		return false, ErrInterrupted
	case n == 0:
		return false, nil
	}
	buf := make([]byte, 1024)
	got, err := unix.Read(int(k.file.Fd()), buf)
	if errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN) {
		return true, nil
	}
	if err != nil || got == 0 { // EIO: the terminal has gone; 0: Ctrl-D
		return false, io.EOF
	}
	k.pending = append(k.pending, buf[:got]...)
	return true, nil
}

func (k *keyboard) ended() error {
	if k.ctx.Err() != nil {
		return ErrInterrupted
	}
	return nil
}

// Read gives survey the next key: one rune, or one escape sequence that it
// knows; it takes others for text. Ctrl-D is given as Ctrl-C: at a list survey
// would take it as an answer.
func (k *keyboard) Read(p []byte) (int, error) {
	if k.query {
		k.query = false
		return copy(p, k.position(laterAnswer)), nil
	}
	for {
		key, n := nextKey(k.pending)
		if back := k.home(key); back != "" {
			k.pending = append([]byte(back), k.pending...)
			continue
		}
		k.pending = k.pending[n:]
		if k.recall(key) {
			continue
		}
		if k.choice && string(key) == back {
			k.went = time.Now()
			return 0, ErrBack
		}
		if enter := string(key) == "\r"; len(key) > 0 && !k.went.IsZero() {
			late := time.Since(k.went) > enterAfterBack
			if k.went = (time.Time{}); enter && !late {
				continue
			}
		}
		if len(key) > 0 {
			return copy(p, key), nil
		}
		if n > 0 {
			continue
		}
		// The rest of a sequence comes at once; Esc alone has none.
		wait := time.Duration(-1)
		if len(k.pending) > 0 {
			wait = 50 * time.Millisecond
		}
		more, err := k.fill(wait)
		if err != nil {
			return 0, err
		}
		if !more && len(k.pending) > 0 {
			esc := string(k.pending) == "\x1b"
			if k.pending = k.pending[1:]; esc {
				return 0, ErrBack
			}
		}
	}
}

// minEdited is the length from which a refused answer is worth editing.
const minEdited = 4

// editable is check, after which arrow up brings back the answer that it refused: one
// wrong letter is no reason to type a host name again.
func (k *keyboard) editable(preset string, check func(string) error) func(string) error {
	if check == nil {
		return nil
	}
	return func(answer string) error {
		problem := check(answer)
		if problem == nil || len(answer) < minEdited || answer == preset {
			return problem
		}
		k.again = answer
		return fmt.Errorf("%w (arrow up brings it back to edit)", problem)
	}
}

// recall takes arrow up for the refused answer, as if that were typed.
func (k *keyboard) recall(key []byte) bool {
	if k.again == "" || len(key) < 2 || key[0] != 0x1b || key[len(key)-1] != 'A' {
		return false
	}
	k.pending, k.again = append([]byte(k.again), k.pending...), ""
	return true
}

// home is the keys that bring the cursor of a list back to its first row before text
// is typed there: survey keeps the row, and Enter would choose what happens to be in it
// of what the text leaves. "" where there is nothing to do.
func (k *keyboard) home(key []byte) string {
	if k.list == nil || len(key) == 0 {
		return ""
	}
	switch {
	case string(key) == "\t", key[0] == 0x1b && key[len(key)-1] == 'B':
		*k.list++
	case key[0] == 0x1b && key[len(key)-1] == 'A':
		*k.list--
	case *k.list != 0 && (key[0] >= ' ' || key[0] == '\b'):
		// These keys are counted in their turn, so that the count ends at 0.
		if moved := *k.list; moved > 0 {
			return strings.Repeat("\x1b[A", moved)
		}
		return strings.Repeat("\x1b[B", -*k.list)
	}
	return ""
}

// position waits for the terminal's answer to a cursor query, past whatever
// was typed before it. A terminal that has stopped answering is taken to be at
// the start of its first line.
func (k *keyboard) position(limit time.Duration) []byte {
	for deadline := time.Now().Add(limit); !k.mute; {
		if at := cursorReport.FindIndex(k.pending); at != nil {
			report := bytes.Clone(k.pending[at[0]:at[1]])
			k.pending = append(k.pending[:at[0]:at[0]], k.pending[at[1]:]...)
			return report
		}
		left := time.Until(deadline)
		if more, err := k.fill(max(0, left)); err != nil || !more || left <= 0 {
			k.mute = true
		}
	}
	return []byte("\x1b[1;1R")
}

// answers reports whether the terminal says where its cursor is, as survey
// will ask (DSR, ECMA-48). What was typed before stays for the questions.
func (k *keyboard) answers(out io.Writer) bool {
	fd := int(k.file.Fd())
	old, err := term.MakeRaw(fd)
	if err != nil {
		return false
	}
	defer func() { _ = term.Restore(fd, old) }()
	if _, err := io.WriteString(out, "\x1b[6n"); err != nil {
		return false
	}
	k.position(firstAnswer)
	if k.mute {
		// A terminal that prints what it does not know shows "[6n".
		_, _ = io.WriteString(out, "\r    \r")
	}
	return !k.mute
}

// known are the escape sequences that survey understands, after ESC and [ or O.
var known = regexp.MustCompile(`^\x1b[\[O]([ABCDFH]|3~)$`)

// sequence is a whole control sequence (ECMA-48 section 5.4), or SS3 and a key.
var sequence = regexp.MustCompile(`^\x1b(\[[0-?]*[ -/]*[@-~]|O[@-~]|[^\[O])`)

// nextKey takes the first key of typed. It returns how many bytes that is, 0
// when more is needed; key is empty for one that nobody knows.
func nextKey(typed []byte) (key []byte, n int) {
	if len(typed) == 0 {
		return nil, 0
	}
	switch c := typed[0]; {
	case c == 0x1b:
		seq := sequence.Find(typed)
		if known.Match(seq) {
			return seq, len(seq)
		}
		return nil, len(seq)
	case c == 0x04:
		return []byte{0x03}, 1
	case !utf8.FullRune(typed):
		return nil, 0
	default:
		_, size := utf8.DecodeRune(typed)
		return typed[:size], size
	}
}

// line waits for a whole line, ended by either end of line: text typed ahead
// has passed a terminal in raw mode. ahead reports that it was typed before it
// was asked for, and that its echo, if any, is elsewhere.
func (k *keyboard) line() (text string, ahead bool, err error) {
	for ahead = true; ; ahead = false {
		if end := bytes.IndexAny(k.pending, "\r\n\x03\x04"); end >= 0 {
			text, mark := k.pending[:end], k.pending[end]
			k.pending = k.pending[end+1:]
			if mark == 0x03 || mark == 0x04 {
				return "", ahead, ErrInterrupted
			}
			return edited(text), ahead, nil
		}
		if _, err := k.fill(-1); err != nil {
			return "", false, ErrInterrupted
		}
	}
}

// edited is a line as it was meant: with what was rubbed out gone, and without
// a late answer to a cursor query.
func edited(typed []byte) string {
	var out []rune
	for len(typed) > 0 {
		if seq := sequence.Find(typed); seq != nil {
			typed = typed[len(seq):]
			continue
		}
		r, size := utf8.DecodeRune(typed)
		typed = typed[size:]
		switch {
		case r == '\b' || r == 0x7f:
			out = out[:max(0, len(out)-1)]
		case r == 0x15: // Ctrl-U
			out = nil
		case r >= ' ':
			out = append(out, r)
		}
	}
	return string(out)
}

// noEcho switches the terminal's echo off and returns what switches it on.
func noEcho(f *os.File) (restore func(), err error) {
	fd := int(f.Fd())
	old, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil, err
	}
	quiet := *old
	quiet.Lflag &^= unix.ECHO
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &quiet); err != nil {
		return nil, err
	}
	return func() { _ = unix.IoctlSetTermios(fd, unix.TCSETS, old) }, nil
}
