package browser

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEnvironmentKeepsSecretsOut(t *testing.T) {
	t.Setenv("EBB_TEST_SECRET", "hidden-value")
	t.Setenv("TZ", "Asia/Tokyo")
	env := environment("/h", "/t")
	require.Contains(t, env, "HOME=/h")
	require.Contains(t, env, "TMPDIR=/t")
	require.Contains(t, env, "TZ=Asia/Tokyo")
	for _, v := range env {
		require.NotContains(t, v, "hidden-value")
	}
}

func TestFlags(t *testing.T) {
	args := flags(LaunchOptions{UserAgent: "UA/1", Flags: []string{"--lang=de"}}, "/profile", true)
	require.Contains(t, args, "--remote-debugging-pipe")
	require.Contains(t, args, "--user-data-dir=/profile")
	require.Contains(t, args, "--user-agent=UA/1")
	require.Contains(t, args, "--lang=de")
	require.NotContains(t, args, "--headless")
	require.NotContains(t, args, "--no-sandbox")
	require.Contains(t, flags(LaunchOptions{}, "/p", false), "--headless")
	require.Contains(t, flags(LaunchOptions{NoSandbox: true}, "/p", true), "--no-sandbox")
}

// Lists that are configured are added to those that Ebb gives: Chrome takes the last flag of a name alone.
func TestListsOfFlagsAreJoined(t *testing.T) {
	const settings, features = "--blink-settings=", "--disable-features="
	args := flags(LaunchOptions{Block: []string{"image"}, Flags: []string{
		settings + "scriptEnabled=false", features + "A,B", "--enable-features", "--enable-features=C", "--enable-features", "--lang=de", "--lang=en", features + "D",
	}}, "/p", true)
	joined := map[string][]string{}
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		joined[name+"="] = append(joined[name+"="], value)
	}
	require.Equal(t, []string{"imagesEnabled=false,scriptEnabled=false"}, joined[settings])
	require.Len(t, joined[features], 1)
	require.Regexp(t, "^BackForwardCache,.*,A,B,D$", joined[features][0])
	require.Equal(t, []string{"", "C", ""}, joined["--enable-features="], "one without a value is left as it is")
	require.Equal(t, []string{"de", "en"}, joined["--lang="])
}

func TestTailKeepsTheEnd(t *testing.T) {
	tail := newTail(8)
	for _, part := range []string{"one\n", "two\n", "three\n", "0123456789"} {
		n, err := tail.Write([]byte(part))
		require.NoError(t, err)
		require.Len(t, part, n)
	}
	require.Equal(t, "23456789", tail.String())
	_, _ = tail.Write([]byte("a\nbc\n"))
	require.Equal(t, "bc\n", tail.String())
}

func TestParseStat(t *testing.T) {
	st, err := parseStat([]byte("77 (a) b) (c)) S 1 70 70 0 -1 4194560 1 2\n"))
	require.NoError(t, err)
	require.Equal(t, stat{state: 'S', ppid: 1, pgid: 70}, st)
	for _, bad := range []string{"", "77", "77 (a) S", "77 (a) S x y z"} {
		_, err := parseStat([]byte(bad))
		require.Error(t, err, bad)
	}
}
