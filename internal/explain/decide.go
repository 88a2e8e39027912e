package explain

import (
	"cmp"
	"slices"

	"relayhost/internal/lint"
)

// Sign is what a static check of this host says about a cause.
type Sign struct {
	Cause        string // id
	Holds        bool   // false rules the cause out
	lint.Finding        // what was found, for Holds; with a Remedy of "" it is that of the cause
}

// Signs of one host.
type Signs []Sign

// About returns the sign of the cause with the id.
func (s Signs) About(id string) (Sign, bool) {
	for _, sign := range s {
		if sign.Cause == id {
			return sign, true
		}
	}
	return Sign{}, false
}

// Decide puts the candidates into order by what the checks of this host found:
// those that hold come first, marked; those that are ruled out go, unless all
// are. A cause that holds joins those that it can be mistaken for, even where
// the text said something more general.
func Decide(causes []Cause, signs Signs) []Cause {
	var confirmed, open []Cause
	for _, c := range append(slices.Clone(causes), joining(causes, signs)...) {
		sign, checked := signs.About(c.ID)
		switch {
		case checked && sign.Holds:
			c.Confirmed = true
			confirmed = append(confirmed, c)
		case !checked && !c.hostOnly:
			open = append(open, c)
		}
	}
	if decided := append(confirmed, open...); len(decided) > 0 {
		return decided
	}
	kept := shown(slices.Clone(causes))
	for i, c := range kept {
		// That sign is about the sender's domain, the text about the recipient's.
		if c.ID != "mydestination_domain" {
			_, kept[i].Refuted = signs.About(c.ID)
		}
	}
	return kept
}

// joining are the causes that hold, are no candidates yet, and are called
// ambiguous with one that is.
func joining(causes []Cause, signs Signs) []Cause {
	var more []Cause
	for _, sign := range signs {
		f := must().byID[sign.Cause]
		if !sign.Holds || f == nil || len(f.suspect) > 0 || slices.ContainsFunc(causes, func(c Cause) bool { return c.ID == f.ID }) {
			continue
		}
		if slices.ContainsFunc(causes, func(c Cause) bool {
			other := must().byID[c.ID]
			return slices.Contains(f.AmbiguousWith, c.ID) || other != nil && slices.Contains(other.AmbiguousWith, f.ID)
		}) {
			c := f.cause().filled(nil)
			c.Remedy, c.Command = cmp.Or(sign.Remedy, c.Remedy), cmp.Or(sign.Command, c.Command)
			c.Lost = causes[0].Lost
			more = append(more, c)
		}
	}
	return more
}
