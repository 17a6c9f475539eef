package store

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// maxKeyBytes is the longest key that is kept as it is: Postgres indexes at most 2,700
// bytes, and a key shares its index entry with other columns.
const maxKeyBytes = 1000

// shortKey returns the form of a key under which it is indexed, and the whole key where
// that is another: the beginning of a long key and the hash of the whole.
func shortKey(key string) (short, long string) {
	key = clean(key)
	if len(key) <= maxKeyBytes {
		return key, ""
	}
	sum := sha256.Sum256([]byte(key))
	end := maxKeyBytes - 100
	for !utf8.RuneStart(key[end]) {
		end--
	}
	return key[:end] + "...sha256:" + hex.EncodeToString(sum[:]), key
}

// wholeKey undoes shortKey.
func wholeKey(short, long string) string {
	if long != "" {
		return long
	}
	return short
}

// clean returns text that both databases take: Postgres refuses invalid UTF-8 and the
// zero byte.
func clean(text string) string {
	if utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 {
		return text
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}
