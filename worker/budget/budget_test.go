package budget

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestChoose(t *testing.T) {
	for name, c := range map[string]struct {
		room Room
		want string
	}{
		"configured":              {Room{Limit: 2 * gib, Available: 8 * gib, Memory: 16 * gib}, "2.0 GB of memory.limit; worker 293 MB, Chrome 1.5 GB, reserve 205 MB"},
		"of a cgroup":             {Room{Cgroup: 700 * mib, CgroupBy: "cgroup v1 limit"}, "700 MB of cgroup v1 limit; worker 100 MB, Chrome 530 MB, reserve 70 MB"},
		"configured below cgroup": {Room{Limit: 400 * mib, Cgroup: 700 * mib, CgroupBy: "cgroup v1 limit"}, "400 MB of memory.limit; worker 64 MB, Chrome 296 MB, reserve 40 MB"},
		"configured above cgroup": {Room{Limit: gib, Cgroup: 700 * mib, CgroupBy: "cgroup v2 memory.max"}, "700 MB of cgroup v2 memory.max, which is below memory.limit; worker 100 MB, Chrome 530 MB, reserve 70 MB"},
		"of the machine":          {Room{Available: 8 * gib, Memory: 16 * gib}, "8.0 GB of the machine's 16.0 GB, the part that was available; worker 1.0 GB, Chrome 6.5 GB, reserve 512 MB"},
		"nothing known":           {Room{}, "none"},
	} {
		t.Run(name, func(t *testing.T) {
			b := Choose(c.room)
			require.Equal(t, c.want, b.String())
			require.Equal(t, b.Total, b.Worker+b.Chrome+b.Reserve)
			require.Equal(t, c.want != "none", b.Known())
			if b.Known() {
				require.Less(t, b.Soft, b.Hard)
				require.Equal(t, b.Total, b.Hard+b.Reserve)
			}
		})
	}
}

func TestSplitOfTheLeast(t *testing.T) {
	b := Split(Least, "memory.limit")
	require.Greater(t, b.Chrome, int64(150*mib), "room for a Chrome with a page")
	require.Greater(t, b.Soft, int64(150*mib))
}

func TestSize(t *testing.T) {
	for bytes, want := range map[int64]string{0: "0 MB", 1536 << 10: "1.5 MB", 400 * mib: "400 MB", 3 * gib / 2: "1.5 GB", -3 * mib: "-3 MB", 26 * mib / 10: "2.6 MB"} {
		require.Equal(t, want, Size(bytes))
	}
}
