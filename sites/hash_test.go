package sites

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A site's hash is that of what its file says.
func TestHashOfASite(t *testing.T) {
	parse := func(name, text string) string {
		site, err := Parse(name, []byte(text))
		require.NoError(t, err)
		require.Regexp(t, "^[0-9a-f]{32}$", site.Hash())
		return site.Hash()
	}
	const text = "name: shop\nstart: http://127.0.0.1:1/\ntemplates: [{name: page, match: /**}]\n"
	first := parse("shop.yaml", text)
	require.Equal(t, first, parse("other.yaml", "# a comment\n"+text))
	require.Equal(t, first, parse("shop.yaml", text+"limits: {tabs: 2}\n"), "the default")
	require.NotEqual(t, first, parse("shop.yaml", text+"limits: {tabs: 1}\n"))
	require.NotEqual(t, first, parse("shop.yaml", text+"block: {kinds: [image]}\n"))
}
