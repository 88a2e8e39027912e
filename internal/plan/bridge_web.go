//go:build !unix

package plan

import (
	"errors"
	"slices"

	"relayhost/internal/postfix"
)

// A page in a browser renders no bridge: what a bridge reads is made on the server,
// by the user and the program that are there.
const bridgeUser = "relayhost"

func (b *builder) bridges() error {
	if slices.ContainsFunc(b.services, (*service).bridged) {
		return errors.New("a hop that goes by a bridge is set up on the server itself")
	}
	return nil
}

func bridgeFiles(postfix.State) []string { return nil }

func (b *builder) formerBridges() {}
