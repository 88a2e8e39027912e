package explain

import "testing"

// TestOthersAreChecked: what this host shows of a cause holds for the others too,
// also where the host was looked at after the text was read.
func TestOthersAreChecked(t *testing.T) {
	c := &Collector{}
	c.AddText("530 5.7.0 Authentication required")
	for _, id := range []string{"map_key_mismatch", "auth_not_enabled"} {
		c.Signs = append(c.Signs, Sign{Cause: id})
	}
	groups := c.Groups()
	if len(groups) != 1 || len(groups[0].Others) == 0 {
		t.Fatalf("got %+v, want one cause and others", groups)
	}
	for _, o := range append([]Cause{groups[0].Cause}, groups[0].Others...) {
		if _, checked := c.Signs.About(o.ID); checked != o.Refuted {
			t.Errorf("%s: got refuted %v, want %v", o.ID, o.Refuted, checked)
		}
	}
}

// TestRuledOutCauseGoes: a first cause that does not hold on this host gives way to
// one that nothing speaks against.
func TestRuledOutCauseGoes(t *testing.T) {
	c := &Collector{}
	c.AddText("530 5.7.0 Authentication required")
	first := c.Groups()[0].Cause.ID
	c.Signs = Signs{{Cause: first}}
	if got := c.Groups()[0].Cause.ID; got == first || got == "" {
		t.Errorf("got %q on a host where %s does not hold, want another cause", got, first)
	}
}
