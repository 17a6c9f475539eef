package browser

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What a site's pages need is learned from three in a row, and asked anew after a hundred.
func TestTheNeedOfFramesIsLearned(t *testing.T) {
	const first, slow, screen = drawProof / 2, 2 * drawProof, drawSparse + drawLast
	for name, c := range map[string]struct {
		drew   []time.Duration
		after  time.Duration
		screen bool
	}{
		"nothing is known":                      {nil, drawPatience, false},
		"two are not enough":                    {[]time.Duration{first, first}, drawPatience, false},
		"the first frame helps":                 {[]time.Duration{first, first, first}, 0, false},
		"one page needed none":                  {[]time.Duration{first, first, 0, first}, drawPatience, false},
		"what takes long says nothing":          {[]time.Duration{slow, slow, slow, slow}, drawPatience, false},
		"what takes long takes nothing back":    {[]time.Duration{first, slow, first, first}, 0, false},
		"frames as on a screen help":            {[]time.Duration{screen, screen, screen}, 0, true},
		"what never ended for them is no proof": {[]time.Duration{time.Minute, time.Minute, time.Minute}, drawPatience, false},
	} {
		t.Run(name, func(t *testing.T) {
			var n frameNeed
			for _, drew := range c.drew {
				n.note(drew)
			}
			after, screen := n.patience()
			require.Equal(t, c.after, after)
			require.Equal(t, c.screen, screen)
		})
	}

	var n frameNeed
	for range drawProofs {
		n.note(first)
	}
	for range drawAgain {
		after, _ := n.patience()
		require.Zero(t, after)
	}
	after, _ := n.patience()
	require.Equal(t, drawPatience, after, "one page decides")
	n.note(first)
	after, _ = n.patience()
	require.Zero(t, after)
}
