package plan

import (
	"cmp"
	"path/filepath"
	"strings"

	"relayhost/internal/config"
	"relayhost/internal/postfix"
	"relayhost/templates"
)

// unitDirectory is where an administrator's units are (systemd.unit(5)).
const unitDirectory = "/etc/systemd/system"

// UnitName is the name of the units that run the bridge name, without the ending.
func UnitName(name string) string { return "relayhost-bridge-" + name }

// IsUnit reports whether path is a unit of a bridge, and which one, with its ending.
func IsUnit(path string) (unit string, ok bool) {
	unit = filepath.Base(path)
	ok = filepath.Dir(path) == unitDirectory && strings.HasPrefix(unit, UnitName("")) &&
		(strings.HasSuffix(unit, ".socket") || strings.HasSuffix(unit, ".service"))
	return unit, ok
}

// unitPaths are the socket of the bridge name, the service, and what has sockets.target
// start the socket with the system: a drop-in, since the link that "systemctl enable"
// makes is no file that can be restored.
func unitPaths(name string) (socket, service, wanted string) {
	unit := filepath.Join(unitDirectory, UnitName(name))
	return unit + ".socket", unit + ".service", filepath.Join(unitDirectory, "sockets.target.d", UnitName(name)+".conf")
}

// byUnit reports whether the bridge of s runs under systemd.
func (s *service) byUnit() bool { return s.bridge && s.hops[0].BridgeService }

// socketName is the name of the socket that the mail of s goes to.
func (s *service) socketName() string {
	if s.byUnit() {
		return s.name + config.ServiceSuffix
	}
	return s.name + outSuffix
}

// units writes the units of the bridge of s. The entry of spawn(8) stays beside them:
// the rehearsal uses it, and nothing else.
func units(out *output, state postfix.State, server Server, s *service) error {
	if !s.byUnit() {
		return nil
	}
	if !server.Bridge.Systemd {
		return &config.InputError{Field: "bridge-service", Msg: "this host does not run systemd, which would start the bridge",
			Hint: "leave it out: Postfix's spawn(8) starts the bridge"}
	}
	d := *s.d
	d.Unit, d.MailOwner = UnitName(s.bridgeName()), cmp.Or(state.MailOwner, "postfix")
	d.QueueDirectory = cmp.Or(state.QueueDir, "/var/spool/postfix")
	socket, service, wanted := unitPaths(s.bridgeName())
	for _, unit := range []struct {
		path     string
		template templates.Name
	}{{service, templates.BridgeUnit}, {socket, templates.BridgeSocket}, {wanted, templates.BridgeWanted}} {
		text, err := templates.Render(unit.template, &d)
		if err != nil {
			return err
		}
		out.file(File{Path: unit.path, After: text, Mode: 0o644})
	}
	return nil
}

// unitFiles are the units of the bridges that master.cf knows now, where there are any.
func unitFiles(s postfix.State) (list []string) {
	for _, path := range bridgeFiles(s) {
		socket, service, wanted := unitPaths(strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)))
		list = append(list, socket, service, wanted)
	}
	return list
}

// formerUnits removes the units that no bridge needs any more.
func formerUnits(out *output, state postfix.State, server Server) {
	for _, path := range unitFiles(state) {
		text, there := state.Maps[path]
		if there && !planned(out, path) && !elsewhere(server, strings.TrimPrefix(filepath.Base(path), UnitName(""))) {
			out.files = append(out.files, File{Path: path, Action: Remove, Before: notNil(text), Mode: 0o644})
		}
	}
}

// unitCommands are what brings the units of p into effect.
func unitCommands(p Plan) (list []Command) {
	for _, f := range p.Files {
		unit, ok := IsUnit(f.Path)
		if !ok || f.Action == Unchanged || !strings.HasSuffix(unit, ".socket") {
			continue
		}
		if f.Action == Remove {
			list = append(list, Command{[]string{"systemctl", "stop", unit, strings.TrimSuffix(unit, ".socket") + ".service"}, "end the bridge under systemd"})
			continue
		}
		list = append(list, Command{[]string{"systemctl", "daemon-reload"}, "make systemd read the units"},
			Command{[]string{"systemctl", "restart", unit}, "open the socket of the bridge"})
	}
	return list
}
