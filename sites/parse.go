package sites

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// MaxFileBytes is the largest site file that Parse takes: 1 MiB.
const MaxFileBytes = 1 << 20

// Parse reads one site from the YAML text of a site file. File names the text in
// messages and becomes Site.File. The site that comes back is complete; otherwise the
// error is Faults with every fault of the text, each at its place. Text that is not
// YAML at all gives the one fault at which reading stopped.
func Parse(file string, data []byte) (*Site, error) {
	root, faults := parseDocument(file, data)
	if len(faults) > 0 {
		return nil, faults
	}
	r := newReader(file)
	site := &Site{File: file}
	r.read(root, target{value: settable(site)})
	site.at = r.at
	c := newChecker(site, r.faults, r.bad)
	c.check()
	if err := c.faults.inOrder().or(); err != nil {
		return nil, err
	}
	return site, nil
}

// parseDocument gives the root node of the one document in data.
func parseDocument(file string, data []byte) (*yaml.Node, Faults) {
	if fault, ok := checkBytes(data); !ok {
		fault.File = file
		return nil, Faults{fault}
	}
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		return nil, Faults{syntaxFault(file, data, err)}
	}
	var first, second yaml.Node
	switch err := loader.Load(&first); {
	case errors.Is(err, io.EOF):
		return nil, Faults{emptyFault(file)}
	case err != nil:
		return nil, Faults{syntaxFault(file, data, err)}
	}
	switch err := loader.Load(&second); {
	case err == nil:
		return nil, Faults{{
			File: file, Line: max(second.Line, 1), Column: max(second.Column, 1),
			Message: "a second document starts here", Hint: "write one site in one file",
		}}
	case !errors.Is(err, io.EOF):
		return nil, Faults{syntaxFault(file, data, err)}
	}
	if len(first.Content) == 0 || first.Content[0].ShortTag() == "!!null" {
		return nil, Faults{emptyFault(file)}
	}
	return first.Content[0], nil
}

func emptyFault(file string) Fault {
	return Fault{
		File: file, Line: 1, Column: 1, Message: "the file holds no site",
		Hint: "a site needs at least name, start and templates",
	}
}

// checkBytes looks for what no YAML reader should be given.
func checkBytes(data []byte) (Fault, bool) {
	at := func(offset int, message, hint string) (Fault, bool) {
		line, column := positionOf(data, offset)
		return Fault{Line: line, Column: column, Message: message, Hint: hint}, false
	}
	switch {
	case len(data) > MaxFileBytes:
		return at(0, fmt.Sprintf("the file is larger than %s", Size(MaxFileBytes)), "a site file is written by hand; split it into several sites")
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return at(0, "the file starts with a byte order mark", "save it as UTF-8 without BOM")
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		return at(0, "the file is UTF-16", "save it as UTF-8")
	}
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return at(i, fmt.Sprintf("byte 0x%02X is not UTF-8", data[i]), "save the file as UTF-8")
		case isControl(r) && r != '\t' && r != '\n' && r != '\r' && r != 0x85 && r < 0x2000, r == 0xfeff, r == 0xfffe, r == 0xffff:
			return at(i, fmt.Sprintf("control character %U", r), "remove it, or write it as an escape in double quotes")
		}
		i += size
	}
	return Fault{}, true
}

// positionOf gives line and column, both from 1 and the column in characters, of a
// byte of the text.
func positionOf(data []byte, offset int) (line, column int) {
	before := data[:offset]
	line = 1 + bytes.Count(before, []byte("\n"))
	lineStart := bytes.LastIndexByte(before, '\n') + 1
	return line, 1 + utf8.RuneCount(before[lineStart:])
}

// syntaxFault tells a YAML syntax error in words for the usual slips.
func syntaxFault(file string, data []byte, err error) Fault {
	fault := Fault{File: file, Line: 1, Column: 1, Message: "not YAML: " + err.Error()}
	var load *yaml.LoadError
	if !errors.As(err, &load) {
		return fault
	}
	fault.Line, fault.Column = max(load.Mark.Line, 1), max(load.Mark.Column, 1)
	fault.Message = "not YAML: " + load.Message
	atEnd := strings.Contains(load.Message, "end of stream")
	if start := load.ContextMark; start.Line > 0 && (atEnd || strings.Contains(load.Message, "could not find expected")) {
		// The text went wrong where the quote or the bracket was opened.
		fault.Line, fault.Column = start.Line, max(start.Column, 1)
	}
	line := lineOf(data, fault.Line)
	message := load.Message
	switch {
	case strings.Contains(message, "cannot start any token") && strings.HasPrefix(strings.TrimLeft(line, " "), "\t"),
		strings.Contains(message, "tab character"):
		fault.Message, fault.Hint = "the line is indented with a tab", "indent with spaces"
	case strings.Contains(message, "cannot start any token"):
		fault.Message = "a value cannot start with " + shown(runeAt(line, fault.Column))
		fault.Hint = "put the value in quotes"
	case strings.Contains(message, "mapping values are not allowed"):
		fault.Message = "a second ':' in one value, or a line that is indented too far"
		fault.Hint = "put a text with ': ' in quotes, and give the keys of one level the same indentation"
	case strings.Contains(message, "unknown anchor"):
		fault.Message, fault.Hint = message, "put a text that starts with * in quotes"
	case atEnd && strings.Contains(load.ContextMsg, "quoted"):
		fault.Message, fault.Hint = "the quote that opens here is never closed", ""
	case strings.Contains(message, "could not find expected ':'"):
		fault.Message, fault.Hint = "a key without ':'", "write key: value, or - before an entry of a list"
	case strings.Contains(message, "did not find expected ','"):
		fault.Line, fault.Column = max(load.ContextMark.Line, 1), max(load.ContextMark.Column, 1)
		fault.Message, fault.Hint = "the bracket that opens here is not closed, or a comma is missing in it", ""
	case strings.Contains(message, "unknown escape"):
		fault.Message, fault.Hint = "an escape that YAML does not know", `use single quotes, in which \ stands for itself`
	case strings.Contains(message, "max depth"):
		fault.Message, fault.Hint = "values are nested too deeply", ""
	}
	return fault
}

func lineOf(data []byte, line int) string {
	for ; line > 1; line-- {
		_, rest, found := bytes.Cut(data, []byte("\n"))
		if !found {
			return ""
		}
		data = rest
	}
	first, _, _ := bytes.Cut(data, []byte("\n"))
	return string(first)
}

func runeAt(line string, column int) string {
	runes := []rune(line)
	if column < 1 || column > len(runes) {
		return ""
	}
	return string(runes[column-1])
}
