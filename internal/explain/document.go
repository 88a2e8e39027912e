package explain

import "slices"

// Document is what `relayhost explain --json` prints.
type Document struct {
	Version int     `json:"version"`
	Lines   int     `json:"lines"`
	Unread  int     `json:"not_understood"`
	Groups  []Group `json:"groups"`
	Report  string  `json:"report,omitempty"` // for the project, where nothing is known of the text
}

// Document gives what c has found. known is false where the text tells of something
// that is in no catalogue.
func (c *Collector) Document() (d Document, known bool) {
	d = Document{Version: 1, Groups: c.Groups()}
	if d.Groups == nil {
		d.Groups = []Group{}
	}
	d.Lines, d.Unread = c.Lines, c.Unread
	known = slices.ContainsFunc(d.Groups, func(g Group) bool { return g.Cause.ID != "" }) || len(d.Groups) == 0 && (c.Unread == 0 || c.Postfix)
	if !known {
		d.Report = c.Report()
	}
	return d, known
}
