package explain

import "fmt"

// Fate says whether the mail is delayed or lost.
func (g Group) Fate() string {
	switch {
	case g.Past:
		return "sent since"
	case g.Cause.Outcome == "works" && g.Lost+g.Delayed == 0:
		return "not affected"
	case g.Lost > 0 && g.Delayed > 0:
		return fmt.Sprintf("%d lost, %d delayed", g.Lost, g.Delayed)
	case g.Lost > 0:
		return fmt.Sprintf("%d lost: returned to the sender, or gone", g.Lost)
	case g.Delayed > 0:
		return fmt.Sprintf("%d delayed: Postfix keeps trying", g.Delayed)
	case g.Cause.Lost:
		return "lost: not delayed"
	case g.Cause.Outcome == "deferred":
		return "delayed: Postfix keeps trying for maximal_queue_lifetime (5 days)"
	}
	if g.Cause.Outcome == "stuck" {
		return "delayed: it waits in the queue until this is fixed"
	}
	return ""
}
