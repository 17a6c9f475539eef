package main

import (
	"bytes"
	"errors"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
)

// TestDiagnosisWithoutARecordingEnds: on a full disk there would be nothing to judge, so the cycles
// that were asked for are not worked.
func TestDiagnosisWithoutARecordingEnds(t *testing.T) {
	w := smallWorld(t)
	p := w.ebb("diagnose", "--url", w.server.URL+"/news/", "--cycles", "2000", "--record", "/dev/full", "--set", "timeouts.drain=10m")
	require.Equal(t, exitFailed, p.wait(), p.said())
	require.Contains(t, p.said(), "ebb: the diagnosis has ended without a verdict: write the recording: write /dev/full: no space left on device\n")
	require.Empty(t, p.stdout.String(), "nothing is judged")
	w.requireNothingLeft()
}

// TestFirstSignalEndsADiagnosis: a cycle that has not ended is left out, so that nobody waits for it.
func TestFirstSignalEndsADiagnosis(t *testing.T) {
	w := smallWorld(t)
	came, _ := w.hold("/news/sport/")
	p := w.ebb("diagnose", "sections", "--log-level", "info", "--set", "timeouts.drain=10m")
	p.awaitEvent(came, "its request")
	p.signal(syscall.SIGINT)
	p.await("stopping: the cycles so far are judged")
	require.Equal(t, exitOK, p.wait(), p.said())
	require.NotContains(t, p.said(), "next start")
	require.Contains(t, p.stdout.String(), "INCONCLUSIVE")
	w.requireNothingLeft()
}

// TestVerdictToFailOnComesFirst: what goes wrong after a leak was found is told, and changes no exit code.
func TestVerdictToFailOnComesFirst(t *testing.T) {
	full := errors.New("the disk is full")
	for _, c := range []struct {
		verdict memprof.Verdict
		err     error
		code    int
		says    string
	}{
		{memprof.Leak, nil, exitLeak, ""},
		{memprof.Leak, full, exitLeak, "ebb: the disk is full\n"},
		{memprof.Stable, full, exitFailed, "ebb: the disk is full\n"},
		{"", full, exitFailed, "ebb: the disk is full\n"},
	} {
		var said bytes.Buffer
		a := &app{stderr: &said, started: true}
		require.Equal(t, c.code, a.exit(failOn(memprof.Diagnosis{Verdict: c.verdict}, []string{"leak"}, c.err)))
		require.Equal(t, c.says, said.String())
	}
}
