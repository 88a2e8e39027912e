//go:build unix

package oauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"relayhost/internal/secret"
)

// assertionLife is how long a signed assertion holds. Microsoft takes ten
// minutes at most.
const assertionLife = 5 * time.Minute

var b64 = base64.RawURLEncoding

// signAssertion is a client assertion (RFC 7523, section 2.2), signed PS256 with
// the certificate's SHA-256 thumbprint in the header, as Microsoft's identity
// platform wants it (Microsoft identity platform application authentication
// certificate credentials, 2026-06), or ES256 for an elliptic curve key.
func signAssertion(pemText secret.Value, clientID, audience string, now time.Time) (string, error) {
	pair, err := keyPair(pemText)
	if err == nil {
		err = inTime(pair.Leaf, now)
	}
	if err != nil {
		return "", err
	}
	key, ok := pair.PrivateKey.(crypto.Signer)
	if !ok {
		return "", errors.New("the key of client_certificate cannot sign")
	}
	alg := "PS256"
	if _, ok := key.(*ecdsa.PrivateKey); ok {
		alg = "ES256"
	}
	thumbprint := sha256.Sum256(pair.Certificate[0])
	header, err := json.Marshal(map[string]string{"alg": alg, "typ": "JWT", "x5t#S256": b64.EncodeToString(thumbprint[:])})
	if err != nil {
		return "", err
	}
	claims, err := json.Marshal(map[string]any{
		"aud": audience, "iss": clientID, "sub": clientID, "jti": rand.Text(),
		"nbf": now.Unix(), "iat": now.Unix(), "exp": now.Add(assertionLife).Unix(),
	})
	if err != nil {
		return "", err
	}
	text := b64.EncodeToString(header) + "." + b64.EncodeToString(claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := sign(key, sum[:])
	if err != nil {
		return "", fmt.Errorf("sign with client_certificate: %w", err)
	}
	return text + "." + b64.EncodeToString(signature), nil
}

func sign(key crypto.Signer, sum []byte) ([]byte, error) {
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return rsa.SignPSS(rand.Reader, key, crypto.SHA256, sum, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, key, sum)
		if err != nil {
			return nil, err
		}
		out := make([]byte, 64) // RFC 7518, section 3.4
		r.FillBytes(out[:32])
		s.FillBytes(out[32:])
		return out, nil
	}
	return nil, fmt.Errorf("keys of type %T are not supported", key)
}
