package answers

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"relayhost/internal/ui"
)

// script is a person who types what stands in it. It keeps what was asked.
type script struct {
	typed []string // "<" goes back; "" takes what is offered
	asked []string
}

func (s *script) next(question, preset string) (string, error) {
	if preset != "" {
		question += " (" + preset + ")"
	}
	s.asked = append(s.asked, question)
	if len(s.typed) == 0 {
		return "", fmt.Errorf("nobody answers %q", question)
	}
	answer := s.typed[0]
	s.typed = s.typed[1:]
	switch answer {
	case "<":
		return "", ui.ErrBack
	case "":
		return preset, nil
	}
	return answer, nil
}

func (s *script) Select(question string, _ []ui.Option) (string, error) { return s.next(question, "") }

func (s *script) Input(question, preset string, _ func(string) error) (string, error) {
	return s.next(question, preset)
}

func (s *script) Secret(question string, check func(string) error) (string, error) {
	answer, err := s.next(question, "")
	if err == nil {
		err = check(answer)
	}
	return answer, err
}

func (s *script) Confirm(question string) (bool, error) {
	answer, err := s.next(question, "")
	return answer == "y", err
}

var relays = []ui.Option{{Value: "brevo"}, {Value: "ses"}}

// ask is a run with four questions: it begins again whenever somebody goes back.
func ask(c *Conversation) (got []string, err error) {
	for {
		if got, err = pass(c); !errors.Is(err, ui.ErrBack) {
			return got, err
		}
		c.Back()
	}
}

func pass(c *Conversation) (got []string, err error) {
	relay, err := c.Select("Relay", relays)
	if err != nil {
		return nil, err
	}
	user, err := c.Input("User", "joe", nil)
	if err != nil {
		return nil, err
	}
	password, err := c.Secret("Password", func(v string) error {
		if v == "" {
			return errors.New("empty")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	yes, err := c.Confirm("Sure?")
	return []string{relay, user, password, fmt.Sprint(yes)}, err
}

func TestConversation(t *testing.T) {
	for _, test := range []struct {
		name  string
		typed []string
		want  []string // answers
		asked []string
	}{
		{"straight on", []string{"brevo", "", "pw", "y"}, []string{"brevo", "joe", "pw", "true"},
			[]string{"Relay", "User (joe)", "Password", "Sure?"}},
		{"one back, with its answer", []string{"brevo", "ann", "<", "", "pw", "y"}, []string{"brevo", "ann", "pw", "true"},
			[]string{"Relay", "User (joe)", "Password", "User (ann)", "Password", "Sure?"}},
		{"a password is kept and not shown", []string{"brevo", "", "pw", "<", "", "n"}, []string{"brevo", "joe", "pw", "false"},
			[]string{"Relay", "User (joe)", "Password", "Sure?", "Password (Enter: as before)", "Sure?"}},
		{"another relay wants another login", []string{"brevo", "ann", "<", "<", "ses", "", "pw", "y"}, []string{"ses", "joe", "pw", "true"},
			[]string{"Relay", "User (joe)", "Password", "User (ann)", "Relay", "User (joe)", "Password", "Sure?"}},
		{"the same relay keeps it", []string{"brevo", "ann", "<", "<", "brevo", "", "pw", "y"}, []string{"brevo", "ann", "pw", "true"},
			[]string{"Relay", "User (joe)", "Password", "User (ann)", "Relay", "User (ann)", "Password", "Sure?"}},
		{"nothing before the first", []string{"<", "ses", "", "pw", "y"}, []string{"ses", "joe", "pw", "true"},
			[]string{"Relay", "Relay", "User (joe)", "Password", "Sure?"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &script{typed: test.typed}
			got, err := ask(&Conversation{Prompter: s, Resets: map[string][]string{"Relay": {"User", "Password"}}})
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("answers: got %q (%v), want %q", got, err, test.want)
			}
			if !slices.Equal(s.asked, test.asked) {
				t.Errorf("asked: got %q, want %q", s.asked, test.asked)
			}
		})
	}
}

// After a refusal one answer is asked for, the others stand.
func TestForget(t *testing.T) {
	s := &script{typed: []string{"brevo", "ann", "pw", "y"}}
	c := &Conversation{Prompter: s}
	if _, err := ask(c); err != nil {
		t.Fatal(err)
	}
	var choices []string
	for _, o := range c.Choices() {
		choices = append(choices, o.Text)
	}
	if want := []string{"Relay: brevo", "User: ann", "Password", "Sure?: yes"}; !slices.Equal(choices, want) {
		t.Errorf("choices: got %q, want %q", choices, want)
	}
	if got, want := fmt.Sprint(c.Public()), "[{Relay brevo} {User ann} {Sure? yes}]"; got != want {
		t.Errorf("public answers: got %s, want %s", got, want)
	}
	c.Forget("User")
	c.ForgetSecret("Password")
	if c.Answered("User") || !c.Answered("Relay") {
		t.Errorf("answered: got user %v, relay %v, want the relay alone", c.Answered("User"), c.Answered("Relay"))
	}
	c.Restart()
	s.typed, s.asked = []string{"", "other"}, nil
	got, err := pass(c)
	if want := []string{"brevo", "ann", "other", "true"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("answers: got %q (%v), want %q", got, err, want)
	}
	if want := []string{"User (ann)", "Password"}; !slices.Equal(s.asked, want) {
		t.Errorf("asked: got %q, want %q", s.asked, want)
	}
}

// What is said of a question is said where it is asked, once.
func TestAbove(t *testing.T) {
	s := &script{typed: []string{"ann", "ann"}}
	c := &Conversation{Prompter: s}
	said := 0
	question := func() {
		t.Helper()
		c.Above(func() { said++ })
		if _, err := c.Input("User", "", nil); err != nil {
			t.Fatal(err)
		}
	}
	question()
	c.Restart()
	question() // known
	if said != 1 {
		t.Errorf("said: got %d times, want 1", said)
	}
	c.Forget("User")
	c.Restart()
	question()
	if said != 2 {
		t.Errorf("said after the answer was forgotten: got %d times, want 2", said)
	}
}

// The answers of an aborted run are offered at the first question, and what is no
// choice any more is asked for.
func TestOffer(t *testing.T) {
	offers := 0
	s := &script{typed: []string{"ses", "pw", "y"}}
	c := &Conversation{Prompter: s, Offer: func() []Answer {
		offers++
		return []Answer{{Question: "Relay", Answer: "gone"}, {Question: "User", Answer: "ann"}}
	}}
	got, err := ask(c)
	if want := []string{"ses", "ann", "pw", "true"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("answers: got %q (%v), want %q", got, err, want)
	}
	if want := []string{"Relay", "Password", "Sure?"}; !slices.Equal(s.asked, want) || offers != 1 {
		t.Errorf("asked: got %q and %d offers, want %q and 1", s.asked, offers, want)
	}
}
