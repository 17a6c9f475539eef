package memprof

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// kept writes a recording into a folder of its own and returns its path.
func kept(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "shop"+RecordingSuffix)
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return path
}

// requireNoted holds that a recording is read as a whole, and that later diagnoses find its verdict.
func requireNoted(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	rec, err := ReadRecording(bytes.NewReader(data))
	require.NoError(t, err)
	require.False(t, rec.Cut)
	require.Equal(t, VerdictNote, rec.Notes[len(rec.Notes)-1].Name)
	earlier, err := EarlierVerdicts(filepath.Dir(path), "")
	require.NoError(t, err)
	require.Len(t, earlier, 1)
	require.Equal(t, Leak, earlier[0].Verdict)
}

func TestAVerdictIsNotedInItsRecording(t *testing.T) {
	data, _ := written(t)
	for name, recording := range map[string][]byte{"whole": data, "without the last newline": bytes.TrimSuffix(data, []byte("\n"))} {
		t.Run(name, func(t *testing.T) {
			path := kept(t, recording)
			require.NoError(t, NoteVerdict(path, Diagnosis{Verdict: Leak}))
			requireNoted(t, path)
		})
	}
}

// TestACutRecordingIsLeftAsItIs: a line after half a line would make all of it unreadable.
func TestACutRecordingIsLeftAsItIs(t *testing.T) {
	data, _ := written(t)
	cut := data[:len(data)-20]
	path := kept(t, cut)
	require.ErrorIs(t, NoteVerdict(path, Diagnosis{Verdict: Leak}), ErrCut)
	left, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, cut, left)
	rec, err := ReadRecording(bytes.NewReader(left))
	require.NoError(t, err)
	require.True(t, rec.Cut)
}
