package sites

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What the loader takes, Compile takes.
func TestExamplesCompile(t *testing.T) {
	all, err := LoadAll("examples")
	require.NoError(t, err)
	require.NotEmpty(t, all)
	for _, site := range all {
		for i := range site.Templates {
			program, err := site.Compile(&site.Templates[i])
			require.NoError(t, err, site.Name)
			require.NotEmpty(t, program.Expression)
		}
		for _, p := range append(site.Follow.Allow, site.Follow.Deny...) {
			require.NoError(t, p.Check())
		}
		require.NotEmpty(t, site.Origins())
	}
}
