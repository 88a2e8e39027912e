// Package explain turns a reply or log line into cause and remedy. What it
// knows is data: failures/*.toml and the replies in the relay catalogue. The
// text decides before the code does: a 421 can be for ever, a 250 a loss.
package explain

// Cause is one explanation.
type Cause struct {
	ID      string `json:"id"`    // stable word: the id of failures/*.toml or of a relay's reply
	Title   string `json:"title"` // one line
	Meaning string `json:"meaning"`
	Remedy  string `json:"remedy"`
	Command string `json:"command,omitempty"`
	Retry   string `json:"retry"` // fix | wait | slow
	Scope   string `json:"scope"` // account | recipient | rate | service | host
	Lost    bool   `json:"lost"`  // the mail is gone, not delayed
	Source  string `json:"source,omitempty"`
}
