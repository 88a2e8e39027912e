package postfix

// Main is the text of a main.cf that can be changed without touching a byte
// that is not ours (grammar: postconf(5), and readlline(3) in the source).
type Main struct{}

// ParseMain reads data. It fails where every Postfix program would fail (a
// line without "="), and on bytes that Postfix misreads (BOM, NUL).
func ParseMain(data []byte) (*Main, error) { panic("not written yet") }

// Get returns the raw value of the last definition of name, continuation lines
// joined as Postfix joins them.
func (m *Main) Get(name string) (string, bool) { panic("not written yet") }

// Set gives name a literal value ($ stays special, as in the file). An equal
// value leaves the text as it is.
func (m *Main) Set(name, value string) { panic("not written yet") }

// Remove deletes every definition of name with its continuation lines.
func (m *Main) Remove(name string) { panic("not written yet") }

// Names lists the parameters defined, in order, duplicates included.
func (m *Main) Names() []string { panic("not written yet") }

// Bytes returns the text as it now is.
func (m *Main) Bytes() []byte { panic("not written yet") }
