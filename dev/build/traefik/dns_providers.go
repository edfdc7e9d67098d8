// Package dns stands in for lego's catalogue of DNS-01 providers in the locally built Traefik.
package dns

import (
	"fmt"

	"github.com/go-acme/lego/v4/challenge"
)

// NewDNSChallengeProviderByName refuses every name and says which build would accept it.
func NewDNSChallengeProviderByName(name string) (challenge.Provider, error) {
	return nil, fmt.Errorf(
		"DNS-01 provider %q: this Traefik was built locally without DNS-01; use the official image or another challenge", name)
}
