package ui

import (
	"errors"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"

	"github.com/AlecAivazis/survey/v2"
	"github.com/AlecAivazis/survey/v2/core"
	"github.com/AlecAivazis/survey/v2/terminal"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// listLength is how many options are seen at once.
const listLength = 10

// surveyPrompter asks with survey. Answers are checked here: survey miscounts
// the lines of a wrapped answer when it shows an error.
type surveyPrompter struct {
	keys    *keyboard
	out     *watched
	streams *Streams
}

// survey's hint stands behind the question and is broken by a narrow terminal:
// ours has a line of its own, of less than 40 columns.
var (
	surveyHint = regexp.MustCompile(`\{\{- "  "\}\}\{\{- color "cyan"\}\}\[Use arrows[^\n]*`)
	ourHint    = `{{- "\n  "}}{{color "cyan"}}[arrows, Enter, or type; < goes back]{{color "reset"}}`
)

// switches is for survey's, which are one for the whole program.
var switches sync.Once

func newSurveyPrompter(keys *keyboard, out *os.File, s *Streams) *surveyPrompter {
	switches.Do(func() {
		core.DisableColor = !s.Color
		survey.SelectQuestionTemplate = surveyHint.ReplaceAllLiteralString(survey.SelectQuestionTemplate, ourHint)
	})
	return &surveyPrompter{keys, &watched{out, keys}, s}
}

// watched sees survey ask for the cursor's position, so that the keyboard
// gives the answer before anything that was typed ahead.
type watched struct {
	*os.File
	keys *keyboard
}

func (w *watched) Write(p []byte) (int, error) {
	if string(p) == "\x1b[6n" {
		w.keys.query = true
		if w.keys.mute {
			return len(p), nil
		}
	}
	return w.File.Write(p)
}

func (p *surveyPrompter) ask(prompt survey.Prompt, answer any) error {
	// survey changes the mode after it has shown the question: until then a
	// password would be echoed, and Ctrl-D would be read as NUL, which is no key.
	// It leaves the mode that it found; a question that is interrupted
	// must, too.
	fd := int(p.keys.Fd())
	if mode, err := unix.IoctlGetTermios(fd, unix.TCGETS); err == nil {
		defer func() { _ = unix.IoctlSetTermios(fd, unix.TCSETS, mode) }()
		asking := *mode
		asking.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG
		asking.Cc[unix.VMIN], asking.Cc[unix.VTIME] = 1, 0
		_ = unix.IoctlSetTermios(fd, unix.TCSETS, &asking)
	}
	err := survey.AskOne(prompt, answer, survey.WithStdio(p.keys, p.out, p.out))
	if errors.Is(err, ErrBack) {
		_, _ = p.out.WriteString("\x1b[?25h\r\n")
		return ErrBack
	}
	if errors.Is(err, terminal.InterruptErr) || errors.Is(err, io.EOF) || errors.Is(err, ErrInterrupted) {
		_, _ = p.out.WriteString("\x1b[?25h")
		return ErrInterrupted
	}
	return err
}

func (p *surveyPrompter) Select(question string, options []Option) (string, error) {
	texts := make([]string, len(options))
	width := p.width()
	longest := 0
	for i, o := range options {
		texts[i] = cut(o.Text, width-3)
		longest = max(longest, len([]rune(texts[i])))
	}
	prompt := &survey.Select{
		Message: question, Options: texts, PageSize: listLength,
		Filter: func(typed, _ string, i int) bool {
			return matching(options, strings.ToLower(typed))(options[i])
		},
	}
	if width-longest > 30 { // the remarks of a narrow list would be cut to nothing
		prompt.Description = func(text string, i int) string {
			return cut(options[i].Detail, width-len([]rune(text))-6)
		}
	}
	p.keys.list, p.keys.choice = new(int), true
	defer func() { p.keys.list, p.keys.choice = nil, false }()
	var index int
	if err := p.ask(prompt, &index); err != nil {
		return "", err
	}
	return options[index].Value, nil
}

func (p *surveyPrompter) width() int {
	if w, _, err := term.GetSize(int(p.out.Fd())); err == nil && w > 0 {
		return w
	}
	return 80
}

func (p *surveyPrompter) Input(question, preset string, check func(string) error) (string, error) {
	defer func() { p.keys.again = "" }()
	return ask(p.streams, func() (answer string, err error) {
		err = p.ask(&survey.Input{Message: question + ":", Default: preset}, &answer)
		return strings.TrimSpace(answer), err
	}, p.keys.editable(preset, check))
}

func (p *surveyPrompter) Secret(question string, check func(string) error) (string, error) {
	return ask(p.streams, func() (answer string, err error) {
		err = p.ask(&survey.Password{Message: question + ":"}, &answer)
		return strings.TrimSpace(answer), err
	}, check)
}

func (p *surveyPrompter) Confirm(question string) (answer bool, err error) {
	p.keys.choice = true
	defer func() { p.keys.choice = false }()
	err = p.ask(&survey.Confirm{Message: question}, &answer)
	return answer, err
}

// cut shortens text to n columns.
func cut(text string, n int) string {
	r := []rune(text)
	if len(r) <= n {
		return text
	}
	if n < 4 {
		return ""
	}
	return strings.TrimRight(string(r[:n-3]), " ,") + "..."
}
