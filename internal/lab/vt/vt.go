// Package vt is a terminal for tests: it takes what a program writes, keeps
// what a person would see, and answers the queries that a terminal answers. It
// knows the control sequences that our prompts use (ECMA-48), wraps long lines
// and scrolls. It is imported by tests only.
package vt

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// Screen is a terminal of a fixed size. Its zero value is of no use, see New.
type Screen struct {
	// Reply, if set, takes the answer to a cursor position query. A terminal
	// without it never answers, as a serial console.
	Reply func(string)

	mu         sync.Mutex
	cols, rows int
	lines      [][]rune // all of the scrollback, the visible rows last
	x, y       int      // y counts from the first line of the scrollback
	savedX     int
	savedY     int
	wrapped    bool   // the last column was written, the next rune wraps
	partial    []byte // of a sequence or rune that is not complete
	unknown    []string
	widest     int
}

// New returns an empty screen.
func New(cols, rows int) *Screen {
	return &Screen{cols: cols, rows: rows, lines: make([][]rune, rows)}
}

// Write shows what a program has written. It never fails.
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	s.partial = append(s.partial, p...)
	var replies []string
	for len(s.partial) > 0 {
		n, reply := s.step(s.partial)
		if n == 0 {
			break
		}
		if reply != "" {
			replies = append(replies, reply)
		}
		s.partial = s.partial[n:]
	}
	s.mu.Unlock()
	for _, r := range replies {
		if s.Reply != nil {
			s.Reply(r)
		}
	}
	return len(p), nil
}

// String is what is and was seen, without trailing blanks.
func (s *Screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, l := range s.lines {
		b.WriteString(strings.TrimRight(string(l), " ") + "\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// Unknown are the control sequences that the screen did not understand.
func (s *Screen) Unknown() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unknown
}

// Wrapped reports how many columns the widest line would have needed that was
// broken by the terminal; 0 when none was.
func (s *Screen) Wrapped() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.widest
}

// step takes one rune or sequence from p and returns how long it is; 0 means
// that more is needed.
func (s *Screen) step(p []byte) (n int, reply string) {
	switch c := p[0]; {
	case c == 0x1b:
		return s.escape(p)
	case c == '\n':
		s.down()
	case c == '\r':
		s.x, s.wrapped = 0, false
	case c == '\b':
		s.x, s.wrapped = max(0, s.x-1), false
	case c == '\t':
		s.x = min(s.cols-1, s.x/8*8+8)
	case c < ' ' || c == 0x7f:
	default:
		r := []rune(string(p[:min(4, len(p))]))[0]
		size := len(string(r))
		if r == 0xfffd {
			size = 1
		}
		s.put(r)
		return size, ""
	}
	return 1, ""
}

func (s *Screen) put(r rune) {
	if s.wrapped {
		s.down()
		s.x, s.wrapped = 0, false
		s.widest = max(s.widest, s.cols+1)
	}
	l := s.lines[s.y]
	for len(l) <= s.x {
		l = append(l, ' ')
	}
	l[s.x] = r
	s.lines[s.y] = l
	if s.x == s.cols-1 {
		s.wrapped = true
		return
	}
	s.x++
}

func (s *Screen) down() {
	s.y++
	if s.y == len(s.lines) {
		s.lines = append(s.lines, nil)
	}
}

// top is the first line that is visible.
func (s *Screen) top() int { return len(s.lines) - s.rows }

// escape takes one sequence that begins with ESC.
func (s *Screen) escape(p []byte) (n int, reply string) {
	if len(p) < 2 {
		return 0, ""
	}
	switch p[1] {
	case '7':
		s.savedX, s.savedY = s.x, s.y
		return 2, ""
	case '8':
		s.x, s.y, s.wrapped = s.savedX, min(s.savedY, len(s.lines)-1), false
		return 2, ""
	case '[':
	default:
		s.unknown = append(s.unknown, string(p[:2]))
		return 2, ""
	}
	for i := 2; i < len(p); i++ {
		if p[i] >= '@' && p[i] <= '~' {
			return i + 1, s.control(string(p[2:i]), p[i])
		}
	}
	return 0, ""
}

// control does what "ESC [ params final" says.
func (s *Screen) control(params string, final byte) (reply string) {
	var nums []int
	for f := range strings.SplitSeq(params, ";") {
		n, _ := strconv.Atoi(f)
		nums = append(nums, n)
	}
	first := max(1, nums[0])
	if final != 'm' && final != 'n' && final != 'h' && final != 'l' {
		s.wrapped = false
	}
	switch final {
	case 'm', 'h', 'l': // colours, and whether the cursor is shown
	case 'A':
		s.y = max(s.top(), s.y-first)
	case 'B':
		s.y = min(len(s.lines)-1, s.y+first)
	case 'C':
		s.x = min(s.cols-1, s.x+first)
	case 'D':
		s.x = max(0, s.x-first)
	case 'G':
		s.x = min(s.cols, first) - 1
	case 'H', 'f':
		s.y = s.top() + min(s.rows, first) - 1
		s.x = 0
		if len(nums) > 1 {
			s.x = min(s.cols, max(1, nums[1])) - 1
		}
	case 'J':
		s.erase(nums[0])
		for i := s.y + 1; i < len(s.lines); i++ {
			s.lines[i] = nil
		}
	case 'K':
		s.erase(nums[0])
	case 'n':
		return fmt.Sprintf("\x1b[%d;%dR", s.y-s.top()+1, s.x+1)
	default:
		s.unknown = append(s.unknown, "["+params+string(final))
	}
	return ""
}

// erase clears the cursor's line: 0 to its end, 1 from its start, 2 all.
func (s *Screen) erase(how int) {
	l := s.lines[s.y]
	switch how {
	case 0:
		s.lines[s.y] = l[:min(len(l), s.x)]
	case 1:
		for i := range l[:min(len(l), s.x+1)] {
			l[i] = ' '
		}
	case 2:
		s.lines[s.y] = nil
	}
}
