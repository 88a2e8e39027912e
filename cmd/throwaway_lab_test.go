//go:build lab

package cmd_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/lab/vt"
)

func TestLabThrow(t *testing.T) {
	l := newLab(t, lab.Relay("sendgrid"), lab.Relay("ses"))
	cols := os.Getenv("COLS")
	n := 80
	fmt.Sscan(cols, &n)
	l.Server.Install()
	term := l.Server.StartPTY("sh", "-c", fmt.Sprintf("stty cols %d rows 24; exec relayhost setup", n))
	s := vt.New(n, 24)
	s.Reply = term.Type
	go func() {
		fed := 0
		for {
			all := term.Screen()
			s.Write([]byte(all[fed:]))
			fed = len(all)
			time.Sleep(3 * time.Millisecond)
		}
	}()
	wait := func(text string) {
		for i := 0; i < 2000; i++ {
			if strings.Contains(s.String(), text) {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatalf("no %q in\n%s", text, s)
	}
	show := func() { time.Sleep(300 * time.Millisecond); fmt.Println("=====\n" + s.String()) }
	wait("Relay service")
	show()
	term.Type("sendg\r")
	wait("Host of")
	show()
	term.Type("\r")
	wait("Password")
	show()
	term.Type("SG.x\r")
	wait("once more")
	term.Type(l.World.Relay("sendgrid").Password + "\r")
	wait("Sender address")
	show()
	term.Type("app@example.com\r\r")
	wait("Apply this")
	term.Type("y\r")
	<-term.Done()
	show()
}
