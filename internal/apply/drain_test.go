package apply

import (
	"fmt"
	"testing"
)

// The services that go are those that deliveries are waited for.
func TestLostServices(t *testing.T) {
	const smtp = "smtp unix - - y - - smtp\n"
	master := func(before, after string) step {
		return step{Path: "/etc/postfix/master.cf", Before: state{data: []byte(before)}, After: state{data: []byte(after)}}
	}
	for name, test := range map[string]struct {
		step step
		want string
	}{
		"ours goes":     {master(smtp+masterAfter, smtp), "[relayhost-example]"},
		"ours comes":    {master(smtp, smtp+masterAfter), "[]"},
		"ours changes":  {master(smtp+masterAfter, smtp+masterAfter+"  -o x=y\n"), "[]"},
		"another file":  {step{Path: "/etc/postfix/main.cf", Before: state{data: []byte(smtp)}}, "[]"},
		"was no config": {master("nonsense\n", smtp), "[]"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := fmt.Sprint(lostServices(test.step)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
