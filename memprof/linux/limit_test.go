package linux

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMemoryLimitIsTheOneWithTheLeastRoom(t *testing.T) {
	const meminfo = "MemTotal: 8388608 kB\nMemAvailable: 4194304 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n"
	const service, slice = "sys/fs/cgroup/system.slice/ebb.service/", "sys/fs/cgroup/system.slice/"
	for name, c := range map[string]struct {
		files map[string]string
		want  Limit
	}{
		"the cgroup's":         {nil, Limit{2147483648, 846118912, "of the cgroup"}},
		"files are left out":   {map[string]string{service + "memory.stat": "anon 1\ninactive_file 100000000\n"}, Limit{2147483648, 746118912, "of the cgroup"}},
		"that of one above it": {map[string]string{slice + "memory.max": "1000000009\n"}, Limit{1000000009, 9, "of the cgroup"}},
		"the machine's":        {map[string]string{service + "memory.max": "max\n"}, Limit{8 << 30, 4 << 30, "memory of the machine"}},
		"no cgroup":            {map[string]string{"proc/self/mountinfo": "\n"}, Limit{8 << 30, 4 << 30, "memory of the machine"}},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"proc/meminfo": meminfo}
			for file, text := range c.files {
				files[file] = text
			}
			l, err := MemoryLimit(v2(files))
			require.NoError(t, err)
			require.Equal(t, c.want, l)
		})
	}
	_, err := MemoryLimit(v2(map[string]string{"proc/meminfo": meminfo, service + "memory.max": "much\n"}))
	require.Error(t, err, "a limit that cannot be read is not none")
	_, err = MemoryLimit(v2(nil))
	require.ErrorContains(t, err, "read the machine's memory")
}
