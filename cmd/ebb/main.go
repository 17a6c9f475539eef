// Command ebb reads configuration and wires the parts, one file per command.
package main

import (
	"context"
	"io"
	"os"
)

func main() {
	os.Exit(run(os.Args, os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program: it returns the exit code and never exits itself.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{
		stdin: stdin, stdout: stdout, stderr: stderr,
		getenv: os.Getenv, environ: os.Environ,
	}
	root := newRootCommand(a)
	root.SetArgs(args[1:])
	cmd, err := root.ExecuteContextC(context.Background())
	a.command = cmd.CommandPath()
	return a.exit(err)
}
