package explain

import "relayhost/relays"

// SilentDrop explains a positive reply after which the message is not delivered
// all the same. relay is as for Text; host is who said it, "" when unknown. nil
// for replies that mean what they say.
func SilentDrop(reply, host string, relay *relays.Relay) []Cause {
	if relay == nil {
		relay = relayOf(host)
	}
	if relay == nil || !isReply(reply) || reply[0] != '2' {
		return nil
	}
	r, ok := relay.MatchReply(reply)
	if !ok || r.Code/100 != 2 {
		return nil
	}
	c := fromReply(r, *relay)
	c.Outcome, c.Lost = "lost", true
	return []Cause{c}
}
