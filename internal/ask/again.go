package ask

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"relayhost/internal/answers"
	"relayhost/internal/config"
	"relayhost/internal/explain"
	"relayhost/internal/setup"
	"relayhost/internal/ui"
)

// flagNames tell runs apart whose questions differ.
func flagNames(t Terminal) string {
	r := t.Request
	return strings.Join([]string{r.Relay, r.Region, r.Smarthost, fmt.Sprint(r.Port), r.Username, r.CredentialsFile, r.From, r.To}, "\x00")
}

// earlier offers the answers of a run that was aborted.
func (q *Questions) earlier() []answers.Answer {
	saved, at := answers.Load(q.Deps.Host, flagNames(q.Terminal))
	if len(saved) == 0 {
		return nil
	}
	q.IO.Tell("", "A setup was aborted at %s after these answers:", at.Local().Format(time.TimeOnly))
	for _, a := range saved {
		q.IO.Tell("  "+a.Question+": ", "%s", a.Answer)
	}
	if yes, err := q.talk.Prompter.Confirm("Continue with them?"); err != nil || !yes {
		return nil
	}
	return saved
}

// Aborted says what is kept of a run that has ended early.
func (q *Questions) Aborted() {
	if len(q.talk.Choices()) == 0 {
		return
	}
	q.IO.Done()
	if answers.Save(q.Deps.Host, flagNames(q.Terminal), q.talk.Public()) {
		q.IO.Tell("", "Nothing is saved on disk. For an hour the next relayhost setup offers your answers again, without the password.")
		return
	}
	q.IO.Tell("", "Nothing is saved on disk.")
}

// Back begins the questions again without the last answer: another pass asks for it.
func (q *Questions) Back() {
	if !q.talk.Back() {
		q.IO.Tell("", "This is the first question. Ctrl-C aborts.")
	}
}

// Answered reports whether something was asked that could be changed.
func (q *Questions) Answered() bool { return q.Can() && len(q.talk.Choices()) > 0 }

// Change finds, after a failure that has been told, the answer that was wrong, or asks
// which one to change. Another pass asks for it and keeps the others. It is false
// where none is to be changed.
func (q *Questions) Change(err error) bool {
	wrong := ""
	var found setup.Explained
	if errors.As(err, &found) {
		if c, ok := explain.ByID(found.Finding.Cause); ok && c.Phase == "sender" && q.talk.Answered(askFrom) {
			wrong = askFrom
		}
	}
	if wrong == "" {
		options := append([]ui.Option{{Value: "", Text: "Nothing: end here"}}, q.talk.Choices()...)
		var asked error
		if wrong, asked = q.talk.Prompter.Select("What do you want to change?", options); asked != nil || wrong == "" {
			return false
		}
	}
	q.talk.Forget(wrong)
	q.talk.Restart()
	return true
}

// Refused is c without the answers that a preflight has failed of; Setup.Again asks for
// them, and begins with user where a login that was typed is to be typed once more. ok is
// false where no answer was the reason.
func (q *Questions) Refused(c config.Config, err error) (without config.Config, user string, ok bool) {
	c = c.Clone()
	again := func() { q.from, c.Routes[0].From = c.From(), "" }
	switch {
	case errors.Is(err, setup.ErrLoginRefused) && q.typed:
		user = c.First().Username
		q.talk.ForgetSecret(askPassword, askToken, askAPIKey, askSecretKey, askAccessSecret)
		q.talk.Forget(askUser, askAccessKey)
		for _, question := range apiQuestions {
			q.talk.Forget(question)
		}
		c.First().API = config.API{}
	case errors.Is(err, setup.ErrSenderRefused) && q.asked["from"]:
		again()
		q.talk.Forget(askFrom)
	case errors.Is(err, setup.ErrRecipientRefused) && (q.asked["from"] || q.asked["to"]): // senders are refused at RCPT as well
		q.to = c.To
		q.talk.Forget(askTo, askFrom)
		if c.To = ""; q.asked["from"] {
			again()
		}
	default:
		return c, "", false
	}
	return c, user, true
}
