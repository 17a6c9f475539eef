package egress

import (
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFailuresAreBounded: of the hosts that cannot be reached the latest are known.
func TestFailuresAreBounded(t *testing.T) {
	var f failures
	for i := range 2 * failuresKept {
		f.add(fmt.Sprintf("host-%d:80", i), io.EOF)
	}
	require.Len(t, f.last, failuresKept)
	_, known := f.of("host-0:80")
	require.False(t, known)
	last, known := f.of(fmt.Sprintf("host-%d:80", 2*failuresKept-1))
	require.True(t, known)
	require.Equal(t, "net::ERR_EMPTY_RESPONSE", last.code)
}
