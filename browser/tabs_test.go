package browser

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTabsWhileAKeptTabOpens reads the tabs at the moment when a kept tab has its name but is not
// open yet, as the readings of memory do.
func TestTabsWhileAKeptTabOpens(t *testing.T) {
	p := NewPool(PoolOptions{})
	p.kept["shop"] = &keptTab{free: make(chan struct{}, 1)}
	require.Empty(t, p.Tabs())
}
