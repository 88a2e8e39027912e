package answers

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"relayhost/internal/ui"
)

// typist answers questions with what was written down for it, and goes back at "<".
type typist struct {
	ui.Prompter
	keys  []string
	asked []string
}

func (p *typist) Input(question, preset string, _ func(string) error) (string, error) {
	p.asked = append(p.asked, question)
	if len(p.keys) == 0 {
		return "", errors.New("nobody is there")
	}
	key := p.keys[0]
	p.keys = p.keys[1:]
	switch key {
	case "<":
		return "", ui.ErrBack
	case "":
		return preset, nil
	}
	return key, nil
}

// play asks for relay, user, sender and recipient until all are answered. The login of
// "wrong" is refused and asked for again within the same pass.
func play(c *Conversation) error {
	for {
		c.Restart()
		err := func() error {
			for _, question := range []string{"relay", "user", "sender", "recipient"} {
				if _, err := c.Input(question, "", nil); err != nil {
					return err
				}
			}
			for c.Before("user") == "wrong" {
				c.ForgetSecret("user")
				if _, err := c.Input("user", "", nil); err != nil {
					return err
				}
			}
			return nil
		}()
		if !errors.Is(err, ui.ErrBack) {
			return err
		}
		c.Back()
	}
}

// "<" goes to the question before the open one, in every situation, and keeps the others.
func TestBack(t *testing.T) {
	for _, tt := range []struct{ name, keys, asked string }{
		{"one back", "ses joe < jane a@x b@y", "relay user sender user sender recipient"},
		{"two back", "ses joe < < brevo jane a@x b@y", "relay user sender user relay user sender recipient"},
		{"at the first", "< ses joe a@x b@y", "relay relay user sender recipient"},
		{"after a refusal", "ses wrong a@x b@y < brevo jane", "relay user sender recipient user relay user"},
		{"an answer that stands", "ses joe a@x < c@x b@y", "relay user sender recipient sender recipient"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := &typist{keys: strings.Fields(tt.keys)}
			c := &Conversation{Prompter: p}
			if err := play(c); err != nil {
				t.Fatalf("got %v after the questions %q, want no error", err, p.asked)
			}
			if got := strings.Join(p.asked, " "); got != tt.asked {
				t.Errorf("asked %s, want %s", got, tt.asked)
			}
			if len(p.keys) > 0 {
				t.Errorf("got the keys %q left over, want none", p.keys)
			}
		})
	}
}

// Another relay wants another login; secrets are not among the answers that are kept.
func TestConversationKeeps(t *testing.T) {
	c := &Conversation{Prompter: &typist{keys: []string{"ses", "joe", "brevo"}}, Resets: map[string][]string{"relay": {"user"}}}
	for _, question := range []string{"relay", "user"} {
		if _, err := c.Input(question, "", nil); err != nil {
			t.Fatal(err)
		}
	}
	c.record("password", "hunter2", true)
	if got := c.Public(); len(got) != 2 || slices.ContainsFunc(got, func(a Answer) bool { return a.Answer == "hunter2" }) {
		t.Errorf("got %+v, want relay and user alone", got)
	}
	c.Forget("relay")
	if _, err := c.Input("relay", "", nil); err != nil {
		t.Fatal(err)
	}
	if c.Answered("user") || c.Before("user") != "" {
		t.Errorf("the user after another relay: got answered %t, before %q, want false and none", c.Answered("user"), c.Before("user"))
	}
}
