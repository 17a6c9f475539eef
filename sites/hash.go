package sites

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// Hash names what the site file says, 32 hexadecimal digits: where nothing but its place, its comments
// or its layout has changed, it stays. It is "" for a site that no JSON can hold, which there is none of.
func (s *Site) Hash() string {
	said := *s
	said.File = ""
	text, err := json.Marshal(said)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}
