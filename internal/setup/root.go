package setup

import (
	"fmt"
	"slices"
	"strings"

	"relayhost/internal/flow"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/smtpprobe"
)

// messageForRoot is the message that shows that mail for root arrives at Config.RootTo:
// root writes to itself, as cron(8) does. Where there is none although that was asked
// for, why says so.
func (s Setup) messageForRoot(table *flow.Table) (m message, why string, ok bool) {
	if s.Config.RootTo == "" || table == nil {
		return m, "", false
	}
	way, ok := table.Root()
	if !ok {
		return m, "", false
	}
	hop, err := postfix.ParseNextHop(way.NextHop)
	root := "root@" + plan.Origin(s.State)
	if !strings.HasPrefix(way.Transport, plan.ServicePrefix) || err != nil || smtpprobe.CheckAddress(root) != nil {
		return m, fmt.Sprintf("mail for root goes to %s by %s, and not through the relay: no test message shows it", s.Config.RootTo, way), false
	}
	return message{relay: s.Config.First().Relay, from: root, service: way.Transport, host: hop.Host, port: hop.Port, rootTo: s.Config.RootTo}, "", true
}

// aliases is the table with the alias of root, as the plan has it, where one of list is
// a message for root; "" where none is.
func (s Setup) aliases(list []message) string {
	if !slices.ContainsFunc(list, func(m message) bool { return m.rootTo != "" }) {
		return ""
	}
	for _, name := range []string{"alias_maps", "alias_database"} {
		for _, t := range postfix.ParseTables(s.State.Params[name], s.State.DefaultMap) {
			if slices.ContainsFunc(s.Plan.Files, func(f plan.File) bool { return f.Path == t.Path && f.Action != plan.Remove }) {
				return t.String()
			}
		}
	}
	return ""
}
