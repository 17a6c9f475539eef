package main

import (
	"context"
	"io"
	"os/signal"
	"syscall"

	"github.com/rs/zerolog"

	"github.com/ebbworker/ebb/cmd/ebb/output"
)

// app is what every command shares: the streams, the environment and the flags of
// the root command. A command takes it in its constructor.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	environ        func() []string

	configPath string    // --config
	sets       []string  // --set, each key=value
	flags      rootFlags // flags that stand for one key of the configuration
	noColor    bool      // --no-color

	started bool      // a command's own work has begun: errors are no longer of usage
	command string    // the command that was asked for, for hints
	loaded  *Settings // once config has been called
}

// rootFlags are the flags that are short for a key of the configuration. Each is
// taken only where it was given.
type rootFlags struct {
	given map[string]bool

	database, browser   string
	sites               []string
	logLevel, logFormat string
	profile, listen     string
}

// config loads the configuration, once. Its error has exit code 2.
func (a *app) config() (*Settings, error) {
	if a.loaded != nil {
		return a.loaded, nil
	}
	loaded, err := LoadConfig(a.configSources())
	if err != nil {
		return nil, withCode(exitUsage, err)
	}
	a.loaded = loaded
	return loaded, nil
}

// configSources is where the configuration comes from.
func (a *app) configSources() ConfigSources {
	sources := ConfigSources{Path: a.configPath, Stdin: a.stdin, Getenv: a.getenv}
	for _, set := range a.sets {
		sources.Settings = append(sources.Settings, Setting{Text: set, Origin: "--set"})
	}
	sources.Settings = append(sources.Settings, a.flags.settings()...)
	return sources
}

// out is standard output as a terminal, with its width and whether it takes colour.
func (a *app) out() output.Terminal {
	return output.Detect(a.stdout, a.getenv, a.noColor)
}

// err is standard error as a terminal.
func (a *app) err() output.Terminal {
	return output.Detect(a.stderr, a.getenv, a.noColor)
}

// logger writes to w, which is standard error or a progress line that owns it.
func (a *app) logger(config LogConfig, w io.Writer) zerolog.Logger {
	return newLogger(config, a.err(), w)
}

// interruptible ends its context at the first SIGINT or SIGTERM; a second one then
// kills the process as usual. For short commands; run has its own draining stop.
func (a *app) interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
