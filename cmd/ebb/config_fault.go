package main

import (
	"fmt"
	"strings"
)

// ConfigFault is one thing that is wrong with the configuration.
type ConfigFault struct {
	// Where is file:line:column, the environment variable or the flag.
	Where string
	// Path is the key, such as pool.tabs; "" where the whole is meant.
	Path string
	// Message says what is wrong, and Hint what would be right.
	Message, Hint string
}

func (f ConfigFault) String() string {
	text := f.Where + ": "
	if f.Path != "" {
		text += f.Path + ": "
	}
	text += f.Message
	if f.Hint != "" {
		text += "; " + f.Hint
	}
	return text
}

// ConfigFaults are all that is wrong, one line each.
type ConfigFaults []ConfigFault

func (f ConfigFaults) Error() string {
	lines := make([]string, 0, len(f)+1)
	if len(f) == 1 {
		return "configuration: " + f[0].String()
	}
	lines = append(lines, fmt.Sprintf("configuration: %d faults", len(f)))
	for _, fault := range f {
		lines = append(lines, "  "+fault.String())
	}
	return strings.Join(lines, "\n")
}
