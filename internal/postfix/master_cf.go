package postfix

// Master is the text of a master.cf, changed without touching what is not ours.
type Master struct{}

// Service is one entry of master.cf (master(5)).
type Service struct {
	Name    string // "relayhost-ses"
	Type    string // unix | inet | fifo | unix-dgram | pass
	Private string // y | n | -
	Unpriv  string
	Chroot  string
	Wakeup  string
	MaxProc string
	Command string   // "smtp"
	Args    []string // arguments after the command that are no -o, e.g. "-v"
	Options []Option // -o name=value, in order
}

// Option is one "-o name=value" of a service.
type Option struct{ Name, Value string }

// ParseMaster reads data.
func ParseMaster(data []byte) (*Master, error) { panic("not written yet") }

// Get returns the entry name/type.
func (m *Master) Get(name, typ string) (Service, bool) { panic("not written yet") }

// Services lists all entries in order.
func (m *Master) Services() []Service { panic("not written yet") }

// Set adds or replaces the entry name/type; an equal entry leaves the text as
// it is.
func (m *Master) Set(s Service) { panic("not written yet") }

// Remove deletes the entry name/type.
func (m *Master) Remove(name, typ string) { panic("not written yet") }

// Bytes returns the text as it now is.
func (m *Master) Bytes() []byte { panic("not written yet") }
