//go:build unix

package oauth

import (
	"context"
	"net/http"
	"time"

	"relayhost/internal/secret"
)

// Source gives access tokens of one client and keeps them in one store, which
// several processes share.
type Source struct {
	Client Client
	Path   string           // of the store
	HTTP   *http.Client     // see HTTPClient
	Now    func() time.Time // nil: time.Now
}

func (s Source) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// Token is an access token that holds for a while. It asks the identity provider
// only when the stored one does not; of many callers at once, one asks.
func (s Source) Token(ctx context.Context) (secret.Value, error) {
	t, err := Load(s.Path, s.Client)
	if err != nil {
		return secret.Value{}, err
	}
	if t.fresh(s.now(), s.Client.early()) {
		return t.Access, nil
	}
	return s.renew(ctx, func(t Token) bool { return t.fresh(s.now(), s.Client.early()) })
}

// Replace is an access token in place of one that the relay has refused. When
// somebody else has replaced it meanwhile, that one is returned.
func (s Source) Replace(ctx context.Context, refused secret.Value) (secret.Value, error) {
	return s.renew(ctx, func(t Token) bool {
		return t.fresh(s.now(), s.Client.early()) && t.Access.Reveal() != refused.Reveal()
	})
}

// Save stores the token of a sign-in.
func (s Source) Save(ctx context.Context, t Token) error {
	unlock, err := lock(ctx, s.Path)
	if err != nil {
		return err
	}
	defer unlock()
	w, err := begin(s.Path)
	if err != nil {
		return err
	}
	s.noteRefusal(nil)
	return w.commit(s.Client, t)
}

// renew gets a new token under the lock, unless enough says that the stored one
// serves.
func (s Source) renew(ctx context.Context, enough func(Token) bool) (secret.Value, error) {
	unlock, err := lock(ctx, s.Path)
	if err != nil {
		return secret.Value{}, err
	}
	defer unlock()
	old, err := Load(s.Path, s.Client)
	if err != nil {
		return secret.Value{}, err
	}
	if enough(old) {
		return old.Access, nil
	}
	w, err := begin(s.Path)
	if err != nil {
		return secret.Value{}, err // before the old refresh token is used up
	}
	t, err := s.Client.fetch(with(ctx, s.HTTP), old.Refresh, s.now())
	s.noteRefusal(err)
	if err != nil {
		w.drop()
		return secret.Value{}, err
	}
	if err := w.commit(s.Client, t); err != nil {
		return secret.Value{}, err
	}
	return t.Access, nil
}
