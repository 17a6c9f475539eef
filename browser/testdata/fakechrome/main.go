// Command fakechrome stands in for Chrome where a test needs an ELF file that says a
// version. What it says is in the file beside it that is named after it with .says: a
// text to print, or "hang PIDFILE" to start a child, note its pid, and never answer.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

func main() {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	text, err := os.ReadFile(self + ".says")
	if err != nil {
		fmt.Println("Chromium 156.0.1.2")
		return
	}
	if pidFile, hang := strings.CutPrefix(string(text), "hang "); hang {
		child := exec.Command("sleep", "600")
		if err := child.Start(); err != nil {
			panic(err)
		}
		if err := os.WriteFile(pidFile, []byte(strconv.Itoa(child.Process.Pid)), 0o600); err != nil {
			panic(err)
		}
		_ = child.Wait()
	}
	if message, bad := strings.CutPrefix(string(text), "fail "); bad {
		fmt.Fprintln(os.Stderr, message)
		os.Exit(127)
	}
	fmt.Print(string(text))
}
