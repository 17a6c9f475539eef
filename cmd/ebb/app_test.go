package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/sites"
)

// newTestApp is an app with an environment of its own, and what it writes.
func newTestApp(env map[string]string) (a *app, stdout, stderr *bytes.Buffer) {
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	return &app{
		stdin: &bytes.Buffer{}, stdout: stdout, stderr: stderr,
		getenv: func(name string) string { return env[name] }, environ: func() []string { return nil },
	}, stdout, stderr
}

func TestExitCodes(t *testing.T) {
	plain := errors.New("it broke")
	for _, c := range []struct {
		name    string
		err     error
		started bool
		code    int
		stderr  string
	}{
		{"done", nil, true, exitOK, ""},
		{"failed", plain, true, exitFailed, "ebb: it broke\n"},
		{"before the work", plain, false, exitUsage, "ebb: it broke\nRun 'ebb --help' for what is possible.\n"},
		{"no browser", withCode(exitNoBrowser, plain), true, exitNoBrowser, "ebb: it broke\n"},
		{"wrapped", fmt.Errorf("run: %w", withCode(exitLeak, plain)), true, exitLeak, "ebb: run: it broke\n"},
		{"all has been said", &exitError{code: exitForced}, true, exitForced, ""},
		{"several lines", errors.New("a\nb \x1b[31m\n"), true, exitFailed, "ebb: a\nb \\x1b[31m\n"},
		{"faults", withCode(exitUsage, sites.Faults{{File: "f", Line: 1, Column: 2, Message: "no"}}), true, exitUsage, "f:1:2: no\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, stdout, stderr := newTestApp(nil)
			a.started = c.started
			require.Equal(t, c.code, a.exit(c.err))
			require.Equal(t, c.stderr, stderr.String())
			require.Empty(t, stdout.String())
		})
	}
	require.NoError(t, withCode(exitFailed, nil))
	require.ErrorIs(t, withCode(exitFailed, plain), plain)
	require.EqualError(t, &exitError{code: 5}, "exit code 5")
}

// Flags that must be given, or that exclude each other, are checked before the work.
func TestFlagRulesAreUsageErrors(t *testing.T) {
	for _, args := range [][]string{{"try"}, {"try", "--one", "--two"}} {
		a, _, _ := newTestApp(nil)
		root := newRootCommand(a)
		cmd := &cobra.Command{Use: "try", RunE: func(*cobra.Command, []string) error { return errors.New("ran") }}
		cmd.Flags().Bool("one", false, "")
		cmd.Flags().Bool("two", false, "")
		cmd.MarkFlagsOneRequired("one", "two")
		cmd.MarkFlagsMutuallyExclusive("one", "two")
		root.AddCommand(cmd)
		root.SetArgs(args)
		require.Equal(t, exitUsage, a.exit(root.ExecuteContext(t.Context())))
	}
}

func TestConfigIsLoadedOnce(t *testing.T) {
	a, _, _ := newTestApp(map[string]string{"EBB_CONFIG": "-"})
	a.stdin = bytes.NewBufferString("pool: {tabs: 3}")
	first, err := a.config()
	require.NoError(t, err)
	require.Equal(t, tabCount(3), first.Pool.Tabs)
	second, err := a.config()
	require.NoError(t, err)
	require.Same(t, first, second)
}

func TestLogger(t *testing.T) {
	a, _, _ := newTestApp(nil)
	var out bytes.Buffer
	log := a.logger(LogConfig{Level: "info", Format: "auto"}, &out)
	log.Debug().Msg("not shown")
	log.Info().Str("site", "shop\x1b").Msg("done")
	var line struct{ Level, Site, Message, Time string }
	require.NoError(t, json.Unmarshal(out.Bytes(), &line), out.String())
	require.Equal(t, "info shop\x1b done", line.Level+" "+line.Site+" "+line.Message)
	at, err := time.Parse(time.RFC3339Nano, line.Time)
	require.NoError(t, err)
	require.Equal(t, time.UTC, at.Location())

	for format, terminal := range map[string]output.Terminal{"console": {}, "auto": {TTY: true}} {
		out.Reset()
		log = newLogger(LogConfig{Level: "info", Format: format}, terminal, &out)
		log.Info().Str("site", "shop\x1b[31m").Msg("done")
		require.Regexp(t, `^\d\d:\d\d:\d\d INF done site="shop\\x1b\[31m"\n$`, out.String())
	}
	// What a page said acts on no terminal and makes no line of its own.
	for _, format := range []string{"console", "json"} {
		out.Reset()
		log = newLogger(LogConfig{Level: "info", Format: format}, output.Terminal{}, &out)
		evil := "a\x1b[2J\u009b31m\u202eb\u2028\r\n{\"level\":\"info\"}"
		log.Info().Bool("yes", true).Int("number", 12).Str("text", evil).Strs("texts", []string{evil}).Err(errors.New(evil)).Interface("any", map[string]string{evil: evil}).Msg(evil)
		require.Equal(t, 1, strings.Count(out.String(), "\n"), format)
		require.Regexp(t, `yes"?[=:]true`, out.String())
		require.Regexp(t, `number"?[=:]12`, out.String())
		for _, raw := range []string{"\x1b", "\u009b", "\u202e", "\u2028", "\r"} {
			require.NotContains(t, out.String(), raw, format)
		}
	}
	for level, want := range map[string]bool{"disabled": false, "error": false, "trace": true} {
		out.Reset()
		log = newLogger(LogConfig{Level: level, Format: "json"}, output.Terminal{}, &out)
		log.Info().Msg("x")
		require.Equal(t, want, out.Len() > 0, level)
	}
}

func TestInterruptible(t *testing.T) {
	a, _, _ := newTestApp(nil)
	ctx, stop := a.interruptible(t.Context())
	defer stop()
	self, err := os.FindProcess(os.Getpid())
	require.NoError(t, err)
	require.NoError(t, self.Signal(syscall.SIGTERM))
	<-ctx.Done()
	require.ErrorIs(t, ctx.Err(), context.Canceled)
}

func TestTerminals(t *testing.T) {
	a, _, _ := newTestApp(map[string]string{"CLICOLOR_FORCE": "1"})
	require.True(t, a.out().Color)
	a.noColor = true
	require.False(t, a.out().Color)
	require.False(t, a.err().Color)
}
