package study

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStudy(t *testing.T) {
	r, err := Run(t.Context(), Options{Reps: 500, LeakReps: 500, Seed: 1})
	require.NoError(t, err)
	require.NoError(t, r.Write(os.Stdout))
	require.Empty(t, r.Failures())
}
