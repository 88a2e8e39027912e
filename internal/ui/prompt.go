package ui

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/AlecAivazis/survey/v2"
	"github.com/AlecAivazis/survey/v2/terminal"
	"golang.org/x/term"
)

// ErrInterrupted is returned when the person pressed Ctrl-C at a question.
var ErrInterrupted = errors.New("interrupted")

// Option is one choice of a list: a word that is returned and what is shown.
type Option struct{ Value, Text string }

// Prompter asks a person. Check refuses an answer with a message, which is
// shown, and the question comes again.
type Prompter interface {
	Select(question string, options []Option) (string, error)
	Input(question, preset string, check func(string) error) (string, error)
	Secret(question string, check func(string) error) (string, error)
	Confirm(question string) (bool, error)
}

// NewPrompter returns survey's prompts on a terminal that answers a cursor
// query, and plain line prompts on every other (a serial console, say), where
// survey would wait for ever.
func NewPrompter(ctx context.Context, s *Streams) Prompter {
	in, okIn := s.In.(*os.File)
	out, okOut := s.Err.(*os.File)
	if okIn && okOut && s.CanAsk() && os.Getenv("TERM") != "dumb" && answersCursorQuery(in, out) {
		return &surveyPrompter{in, out}
	}
	return &linePrompter{in: bufio.NewReader(s.In), file: in, out: s.Err, ctx: ctx}
}

type surveyPrompter struct{ in, out *os.File }

func (p *surveyPrompter) ask(prompt survey.Prompt, answer any, check func(string) error) error {
	opts := []survey.AskOpt{survey.WithStdio(p.in, p.out, p.out)}
	if check != nil {
		opts = append(opts, survey.WithValidator(func(v any) error {
			s, _ := v.(string)
			return check(s)
		}))
	}
	err := survey.AskOne(prompt, answer, opts...)
	if errors.Is(err, terminal.InterruptErr) || errors.Is(err, io.EOF) {
		return ErrInterrupted
	}
	return err
}

func (p *surveyPrompter) Select(question string, options []Option) (string, error) {
	texts := make([]string, len(options))
	for i, o := range options {
		texts[i] = o.Text
	}
	var index int
	if err := p.ask(&survey.Select{Message: question, Options: texts, PageSize: 10}, &index, nil); err != nil {
		return "", err
	}
	return options[index].Value, nil
}

func (p *surveyPrompter) Input(question, preset string, check func(string) error) (answer string, err error) {
	err = p.ask(&survey.Input{Message: question, Default: preset}, &answer, check)
	return strings.TrimSpace(answer), err
}

func (p *surveyPrompter) Secret(question string, check func(string) error) (answer string, err error) {
	err = p.ask(&survey.Password{Message: question}, &answer, check)
	return answer, err
}

func (p *surveyPrompter) Confirm(question string) (answer bool, err error) {
	err = p.ask(&survey.Confirm{Message: question}, &answer, nil)
	return answer, err
}

// linePrompter asks a line at a time. One reader serves all questions, so that
// answers typed ahead are not lost.
type linePrompter struct {
	in   *bufio.Reader
	file *os.File // nil when the input is no file
	out  io.Writer
	ctx  context.Context
}

func (p *linePrompter) line() (string, error) {
	type result struct {
		text string
		err  error
	}
	// A read of a terminal cannot be broken off; when Ctrl-C comes the
	// process ends and the read with it.
	got := make(chan result, 1)
	go func() {
		s, err := p.in.ReadString('\n')
		got <- result{s, err}
	}()
	select {
	case <-p.ctx.Done():
		return "", ErrInterrupted
	case r := <-got:
		if r.err != nil && r.text == "" {
			return "", ErrInterrupted
		}
		return strings.TrimRight(r.text, "\r\n"), nil
	}
}

func (p *linePrompter) until(ask func() (string, error), check func(string) error) (string, error) {
	for {
		answer, err := ask()
		if err != nil {
			return "", err
		}
		if check == nil {
			return answer, nil
		}
		if err := check(answer); err == nil {
			return answer, nil
		} else {
			fmt.Fprintf(p.out, "  %v\n", err)
		}
	}
}

func (p *linePrompter) Select(question string, options []Option) (string, error) {
	fmt.Fprintln(p.out, question)
	for i, o := range options {
		fmt.Fprintf(p.out, "  %2d  %s\n", i+1, o.Text)
	}
	answer, err := p.until(func() (string, error) {
		fmt.Fprintf(p.out, "number (1): ")
		s, err := p.line()
		if s == "" {
			s = "1"
		}
		return strings.TrimSpace(s), err
	}, func(s string) error {
		if n, err := strconv.Atoi(s); err != nil || n < 1 || n > len(options) {
			return fmt.Errorf("a number from 1 to %d", len(options))
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	n, _ := strconv.Atoi(answer)
	return options[n-1].Value, nil
}

func (p *linePrompter) Input(question, preset string, check func(string) error) (string, error) {
	return p.until(func() (string, error) {
		if preset != "" {
			fmt.Fprintf(p.out, "%s (%s): ", question, preset)
		} else {
			fmt.Fprintf(p.out, "%s: ", question)
		}
		s, err := p.line()
		if s = strings.TrimSpace(s); s == "" {
			s = preset
		}
		return s, err
	}, check)
}

func (p *linePrompter) Secret(question string, check func(string) error) (string, error) {
	return p.until(func() (string, error) {
		fmt.Fprintf(p.out, "%s (not shown): ", question)
		defer fmt.Fprintln(p.out)
		if p.file == nil || !term.IsTerminal(int(p.file.Fd())) {
			return p.line()
		}
		restore, err := noEcho(p.file)
		if err != nil {
			return "", err
		}
		defer restore()
		return p.line()
	}, check)
}

func (p *linePrompter) Confirm(question string) (bool, error) {
	fmt.Fprintf(p.out, "%s (y/N): ", question)
	s, err := p.line()
	s = strings.ToLower(strings.TrimSpace(s))
	return s == "y" || s == "yes", err
}
