package linux

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBusy(t *testing.T) {
	root := fstest.MapFS{"proc/stat": {Data: []byte("cpu  549338 1 323364 63429 1251 2 2804 3 90 90\ncpu0 274691 0 161546 32691 330 0 946 0 0 0\n")}}
	worked, all, err := Busy(Options{Root: root})
	require.NoError(t, err)
	require.Equal(t, (549338+1+323364+2+2804+3)*10*time.Millisecond, worked)
	require.Equal(t, worked+(63429+1251)*10*time.Millisecond, all)
	for _, bad := range []string{"", "cpu 1 2 3", "cpu0 1 2 3 4 5 6 7 8", "cpu 1 2 3 x 5 6 7 8"} {
		_, _, err := parseBusy([]byte(bad))
		require.Error(t, err, bad)
	}
	_, _, err = Busy(Options{Root: fstest.MapFS{}})
	require.ErrorContains(t, err, "read the processors' times")
	worked, all, err = Busy(Options{})
	require.NoError(t, err)
	require.Greater(t, all, worked)
}
