package ui

import (
	"fmt"
	"testing"
)

// Defects that the first newcomers met, by the test of the right behaviour.
var _ = map[string]func(*testing.T){
	"D21: typing after the arrows selects what is below": TestListCursorGoesHome,
}

// Text that is typed at a list after arrows begins with the cursor back in the first
// row: "post" after two rows down chooses Postmark, whatever follows it in the list.
func TestListCursorGoesHome(t *testing.T) {
	for _, test := range []struct{ name, typed, want string }{
		{"two down", "\x1b[B\x1b[Bp", "\x1b[B\x1b[B\x1b[A\x1b[Ap"},
		{"one up", "\x1b[Ap", "\x1b[A\x1b[Bp"},
		{"down and up", "\x1b[B\x1b[Apo", "\x1b[B\x1b[Apo"},
		{"text first", "po\x1b[B\r", "po\x1b[B\r"},
	} {
		t.Run(test.name, func(t *testing.T) {
			k := &keyboard{pending: []byte(test.typed), list: new(int)}
			got := ""
			for len(k.pending) > 0 {
				buf := make([]byte, 8)
				n, err := k.Read(buf)
				if err != nil {
					t.Fatal(err)
				}
				got += string(buf[:n])
			}
			if got != test.want {
				t.Errorf("%q: got %q, want %q", test.typed, got, test.want)
			}
		})
	}
}

// One wrong letter leaves what was meant in the list, and other words do not.
func TestMistyped(t *testing.T) {
	brevo := Option{Value: "brevo", Text: "Brevo (Sendinblue)  (port 587)"}
	for typed, want := range map[string]bool{"brvo": true, "bevo": true, "brveo": true, "breevo": true, "brego": true, "brev": true, "postmark": false, "gmail": false, "br": false, "ovh": false} {
		t.Run(typed, func(t *testing.T) {
			if got := brevo.near(typed); got != want {
				t.Errorf("got %t, want %t", got, want)
			}
		})
	}
	p := sit(t, 80, false)
	prompter, err := NewPrompter(t.Context(), p.streams())
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 1)
	go func() {
		value, err := prompter.Select("Relay", []Option{{Value: "ses", Text: "Amazon SES"}, brevo, {Value: "postmark", Text: "Postmark"}})
		got <- fmt.Sprint(value, err)
	}()
	p.sees("Postmark")
	p.types("postamrk\r")
	if value := <-got; value != "postmark<nil>" {
		t.Errorf("got %s, want postmark", value)
	}
}

// What is typed at a list finds an option by its text, else by its words, else by its
// misspelled name; where nothing matches, what is for everything else remains.
func TestMatching(t *testing.T) {
	options := []Option{{Value: "icloud", Text: "iCloud Mail", Words: "smtp.mail.me.com support.apple.com"},
		{Value: "gmail", Text: "Gmail", Words: "smtp.gmail.com support.google.com"}, {Value: "smarthost", Text: "Another SMTP server ...", Else: true}}
	for typed, want := range map[string]string{"": "icloud gmail smarthost ", "mail": "icloud gmail ", "apple": "icloud ", "google": "gmail ", "gmial": "gmail ",
		"mailout.uni.example": "smarthost ", "another": "smarthost "} {
		t.Run(fmt.Sprintf("%q", typed), func(t *testing.T) {
			match, got := matching(options, typed), ""
			for _, o := range options {
				if match(o) {
					got += o.Value + " "
				}
			}
			if got != want {
				t.Errorf("%q: got %q, want %q", typed, got, want)
			}
		})
	}
}
