//go:build studies

package browser_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
)

// TestTouchedIsBounded visits more origins than are remembered.
func TestTouchedIsBounded(t *testing.T) {
	w := newCleanWorld(t, manyNames)
	l := w.lease(w.tab("many"), "")
	for i := range browser.MaxTouched + 3 {
		_, err := l.Navigate(w.ctx, "http://"+string(rune('a'+i/26))+string(rune('a'+i%26))+".test:"+w.port+"/")
		require.NoError(t, err)
	}
	keys := l.StorageKeys()
	require.Len(t, keys, browser.MaxTouched)
	require.Equal(t, "http://ad.test:"+w.port+"/", keys[0])
	w.release(l)
}
