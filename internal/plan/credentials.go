package plan

import (
	"strings"

	"relayhost/internal/postfix"
	"relayhost/internal/secret"
)

// Accounts finds the accounts that this Postfix logs in with, ours and those of
// a set-up made by hand.
type Accounts struct {
	r     *postfix.Routing
	param func(name string) string
	split string
}

// StoredAccounts reads the tables of s once for many questions.
func StoredAccounts(s postfix.State) Accounts {
	return Accounts{postfix.NewRouting(s), func(name string) string { return s.Params[name] }, string(s.PasswordDelimiter())}
}

// Find returns the account for nextHop ("[host]:port") of mail from senders (as
// Route has them; none asks for the default): the one that Postfix uses on the
// way there now, however that next hop is written; else what a table holds for
// the bare host or for nextHop. A static: password counts on the way only, since
// it would answer for any host.
func (a Accounts) Find(nextHop string, senders ...string) (username string, password secret.Value, ok bool) {
	want, err := postfix.ParseNextHop(nextHop)
	if err != nil {
		return "", secret.Value{}, false
	}
	for _, sender := range append(senderKeys(senders), "") {
		w := a.r.Way(sender)
		for _, hop := range w.NextHops {
			if hop.Host != want.Host || hop.Port != want.Port {
				continue
			}
			if login, ok := a.r.Login(w, sender, hop); ok {
				return login.Username, login.Password, true
			}
		}
	}
	for _, key := range []string{want.Host, nextHop} {
		value, t, found := a.r.Get(a.param("smtp_sasl_password_maps"), key)
		if user, pass, split := strings.Cut(value, a.split); found && split && t.Type != "static" {
			return user, secret.New(pass), true
		}
	}
	return "", secret.Value{}, false
}

// senderKeys turns the senders of a Route into the keys of Postfix's tables.
func senderKeys(senders []string) []string {
	var keys []string
	for _, sender := range senders {
		if sender != "<>" && !strings.Contains(sender, "@") {
			sender = "@" + strings.TrimPrefix(sender, ".")
		}
		keys = append(keys, sender)
	}
	return keys
}

// Credentials is Accounts.Find for a single question.
func Credentials(s postfix.State, nextHop string, senders ...string) (username string, password secret.Value, ok bool) {
	return StoredAccounts(s).Find(nextHop, senders...)
}
