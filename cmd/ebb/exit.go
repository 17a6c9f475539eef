package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/sites"
)

// The exit codes. A graceful stop by SIGTERM or a first ^C is a success.
const (
	exitOK           = 0   // done
	exitFailed       = 1   // it was tried and went wrong
	exitUsage        = 2   // the command line, the configuration or a file that they name is wrong
	exitLeak         = 3   // the verdict is one to fail on
	exitNoBrowser    = 4   // no usable Chrome
	exitInconclusive = 5   // the data do not allow a verdict, which was to be failed on
	exitForced       = 130 // a second ^C or SIGTERM
)

// exitError is an error that says which exit code it ends the program with.
type exitError struct {
	code int
	err  error // nil: everything has been said already
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// withCode gives err an exit code; nil stays nil.
func withCode(code int, err error) error {
	if err == nil {
		return nil
	}
	return &exitError{code: code, err: err}
}

// usageErrorf is a wrong use of the command line.
func usageErrorf(format string, args ...any) error {
	return &exitError{code: exitUsage, err: fmt.Errorf(format, args...)}
}

// exit prints what is left to say of err and returns the exit code. An error that
// came up before a command's own work began is one of usage.
func (a *app) exit(err error) int {
	if err == nil {
		return exitOK
	}
	code := exitFailed
	var coded *exitError
	switch {
	case errors.As(err, &coded):
		code = coded.code
	case !a.started:
		code = exitUsage
	}
	if coded != nil && coded.err == nil {
		return code
	}
	a.complain(err, code == exitUsage && !a.started)
	return code
}

// complain prints an error for a person: "ebb: " before its first line, and a hint
// where the command line was wrong.
func (a *app) complain(err error, hint bool) {
	text := strings.TrimRight(err.Error(), "\n")
	var faults sites.Faults
	isFaults := errors.As(err, &faults)
	for i, line := range strings.Split(text, "\n") {
		prefix := ""
		if i == 0 && !isFaults { // faults begin with file:line:column, where editors look for it
			prefix = "ebb: "
		}
		fmt.Fprintln(a.stderr, prefix+output.CleanLine(line))
	}
	if hint {
		command := "ebb"
		if a.command != "" {
			command = a.command
		}
		fmt.Fprintf(a.stderr, "Run '%s --help' for what is possible.\n", command)
	}
}
