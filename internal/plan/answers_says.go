package plan

import (
	"maps"
	"slices"
	"strings"

	"relayhost/relays"
)

// Says reports whether a file with a would be read as want is meant: the same in
// each key, but that host, port and TLS mode may be left out, and that a
// fall-back may leave out what the first hop says.
func (a Answers) Says(want Answers) bool {
	to := a.To == want.To || a.To == "" && want.To == want.From // its default
	if a.From != want.From || !to || a.RootTo != want.RootTo || a.MapType != want.MapType ||
		!slices.Equal(a.Direct, want.Direct) || !maps.Equal(a.Rewrite, want.Rewrite) || len(a.Routes) != len(want.Routes) {
		return false
	}
	if !saysHops(a.First(), a.Fallback, want.First(), want.Fallback) {
		return false
	}
	for i, r := range a.Routes {
		w := want.Routes[i]
		proof := ProofSender(r.Senders) // bounces alone have no sender that could be another
		from := r.From == w.From || proof == "" || r.From == "" && w.From == proof
		if r.Name != w.Name || !from || !slices.EqualFunc(r.Senders, w.Senders, strings.EqualFold) || !saysHops(r.HopAnswers, r.Fallback, w.HopAnswers, w.Fallback) {
			return false
		}
	}
	return true
}

func saysHops(first HopAnswers, fallback []HopAnswers, wantFirst HopAnswers, want []HopAnswers) bool {
	if len(fallback) != len(want) || !saysHop(first, wantFirst) {
		return false
	}
	for i, h := range fallback {
		if !saysHop(inherit(h, first.hop(wantFirst.Relay)), inherit(want[i], wantFirst.hop(wantFirst.Relay))) {
			return false
		}
	}
	return true
}

// hop is h as inherit takes it.
func (h HopAnswers) hop(id string) Hop {
	return Hop{
		Relay: relays.Relay{ID: id}, Region: h.Region, Host: h.Host, CredentialsFile: h.CredentialsFile,
		CAFile: h.CAFile, Pin: h.Fingerprint, NoVerify: h.NoVerify, Connections: h.Connections,
	}
}

// saysHop compares one hop.
func saysHop(have, want HopAnswers) bool {
	if have.Host == "" {
		have.Host = want.Host
	}
	if have.Port == 0 {
		have.Port = want.Port
	}
	if have.TLS == "" {
		have.TLS = want.TLS
	}
	have.Host, want.Host = strings.ToLower(have.Host), strings.ToLower(want.Host)
	return have == want
}
