package sites

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExamplesAreRight(t *testing.T) {
	sites, err := LoadAll("examples")
	require.NoError(t, err)
	require.Len(t, sites, 4)
}
