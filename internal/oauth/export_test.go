package oauth

import "context"

// Renew gets a new token whatever is stored.
func (s Source) Renew(ctx context.Context) error {
	_, err := s.renew(ctx, func(Token) bool { return false })
	return err
}

// Reasons are the numbers that Reason knows, and their words.
func Reasons() map[string]Reason { return reasons }
