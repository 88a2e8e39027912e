//go:build unix

package plan

import (
	"errors"
	"fmt"
	"path/filepath"
	"relayhost/internal/bridge"
	"relayhost/internal/postfix"
	"slices"
	"strings"
)

// bridgeUser runs the bridges.
const bridgeUser = bridge.User

// bridges writes the configuration of each bridge, which holds its secrets.
func (b *builder) bridges() error {
	for _, s := range b.services {
		if !s.bridged() {
			continue
		}
		if !filepath.IsAbs(b.server.Bridge.Program) {
			return errors.New("where this program is on disk is not known, and Postfix has to start it")
		}
		c, err := b.bridgeConfig(s)
		if err != nil {
			return err
		}
		text, err := c.Marshal()
		if err != nil {
			return fmt.Errorf("configuration of the bridge %s: %w", s.bridgeName(), err)
		}
		f := File{Path: bridge.ConfigPath(bridge.Directory, s.bridgeName()), After: text, Mode: 0o600,
			Secret: true, UID: b.server.Bridge.UID, GID: b.server.Bridge.GID}
		if slices.Contains(b.s.Unreadable, f.Path) {
			f.Before = []byte{} // it is there, and a look without root does not tell what is in it
		}
		b.file(f)
	}
	return nil
}

// bridgeConfig is where the mail of s goes, and as whom.
func (b *builder) bridgeConfig(s *service) (bridge.Config, error) {
	h := &s.hops[0]
	c := bridge.Config{Host: h.Host, Port: h.Port, Implicit: s.d.WrapperMode, HELO: s.d.HeloName, Username: h.Username,
		CAFile: s.d.CAFile, Pin: h.Pin, Connections: b.concurrency(h)}
	if c.HELO == "" {
		c.HELO = b.param("myhostname")
	}
	client, err := h.Client()
	if err != nil && !b.server.NoCredentials {
		return c, err
	}
	c.OAuth = &client
	return c, nil
}

// bridgeFiles are the configurations of the bridges that master.cf starts now.
func bridgeFiles(s postfix.State) []string {
	var list []string
	if s.Master == nil {
		return nil
	}
	for _, e := range s.Master.Services() {
		if !strings.HasPrefix(e.Name, ServicePrefix) || e.Command != "spawn" || len(e.Args) < 2 {
			continue
		}
		if name := e.Args[len(e.Args)-1]; e.Args[len(e.Args)-2] == "bridge" && bridge.ValidName(name) {
			list = append(list, bridge.ConfigPath(bridge.Directory, name))
		}
	}
	return list
}

// formerBridges removes the configurations of bridges that nothing starts any more.
func (b *builder) formerBridges() {
	for _, path := range bridgeFiles(b.s) {
		text, there := b.s.Maps[path]
		there = there || slices.Contains(b.s.Unreadable, path)
		if there && !slices.ContainsFunc(b.files, func(f File) bool { return f.Path == path }) {
			b.files = append(b.files, File{Path: path, Action: Remove, Before: notNil(text), Secret: true, Mode: 0o600,
				UID: b.server.Bridge.UID, GID: b.server.Bridge.GID})
		}
	}
}
