package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/ebbworker/ebb/sites"
)

// configFileLimit bounds a configuration file, in bytes.
const configFileLimit = 1 << 20

// configFile walks a configuration file's YAML and sets what it finds.
type configFile struct {
	name     string // for messages
	folder   string // what its relative paths are relative to
	settings *Settings
	faults   sites.Faults
}

// read sets every value of the file; the faults are all that was wrong.
func (f *configFile) read(data []byte) sites.Faults {
	if len(data) > configFileLimit {
		return sites.Faults{{
			File: f.name, Message: fmt.Sprintf("it has %d bytes", len(data)),
			Hint: fmt.Sprintf("at most %d", configFileLimit),
		}}
	}
	document, fault := parseYAML(f.name, data)
	if fault != nil {
		return sites.Faults{*fault}
	}
	if document != nil {
		f.mapping("", document)
	}
	return f.faults
}

// parseYAML is the root of the file's one document; nil where it holds nothing.
func parseYAML(name string, data []byte) (*yaml.Node, *sites.Fault) {
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		return nil, syntaxFault(name, err)
	}
	var document, second yaml.Node
	if err := loader.Load(&document); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, syntaxFault(name, err)
	}
	if err := loader.Load(&second); err == nil {
		return nil, &sites.Fault{
			File: name, Line: max(second.Line, 1), Column: max(second.Column, 1),
			Message: "a second document starts here", Hint: "a configuration is one document",
		}
	} else if !errors.Is(err, io.EOF) {
		return nil, syntaxFault(name, err)
	}
	if len(document.Content) == 0 || isNull(document.Content[0]) {
		return nil, nil
	}
	return document.Content[0], nil
}

// syntaxFault says where a file is not YAML.
func syntaxFault(name string, err error) *sites.Fault {
	fault := &sites.Fault{File: name, Line: 1, Column: 1, Message: "it is not YAML: " + err.Error()}
	var load *yaml.LoadError
	if errors.As(err, &load) {
		fault.Line, fault.Column = max(load.Mark.Line, 1), max(load.Mark.Column, 1)
		fault.Message = "it is not YAML: " + load.Message
	}
	return fault
}

// mapping sets the keys of one section; prefix is "" or ends with a dot.
func (f *configFile) mapping(prefix string, node *yaml.Node) {
	node = resolveAlias(node)
	if node.Kind != yaml.MappingNode {
		f.fault(node, strings.TrimSuffix(prefix, "."), "it is "+nodeKind(node), "keys with values, such as "+sectionKeys(prefix)[0]+":")
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := node.Content[i], node.Content[i+1]
		path := prefix + name.Value
		if line, twice := seen[name.Value]; twice {
			f.fault(name, path, fmt.Sprintf("the key is here a second time, after line %d", line), "")
			continue
		}
		seen[name.Value] = name.Line
		f.entry(prefix, path, name, value)
	}
}

// entry sets one key, or the section below it.
func (f *configFile) entry(prefix, path string, name, value *yaml.Node) {
	if key := findKey(path); key != nil {
		f.value(key, value)
		return
	}
	if len(sectionKeys(path+".")) > 0 {
		if !isNull(resolveAlias(value)) {
			f.mapping(path+".", value)
		}
		return
	}
	f.fault(name, path, "there is no such key", keyHint(prefix, name.Value))
}

// value sets one key to what a node says.
func (f *configFile) value(key *configKey, node *yaml.Node) {
	node = resolveAlias(node)
	config := &f.settings.Config
	err := setNode(key.field(config), node)
	if err != nil {
		f.fault(node, key.path, "", "", err)
		return
	}
	if key.files {
		relativeTo(f.folder, key.field(config))
	}
	f.settings.setOrigin(key.path, origin{kind: originFile, name: f.name, line: node.Line, column: node.Column})
}

// fault notes what is wrong at a node; an error replaces message and hint.
func (f *configFile) fault(node *yaml.Node, path, message, hint string, errs ...error) {
	for _, err := range errs {
		message, hint = err.Error(), ""
		var w *wanted
		if errors.As(err, &w) {
			message, hint = w.message, w.hint
		}
	}
	f.faults = append(f.faults, sites.Fault{
		File: f.name, Line: node.Line, Column: node.Column,
		Path: path, Message: message, Hint: hint,
	})
}

// setNode gives a field the value of a YAML node, whose type must fit.
func setNode(field any, node *yaml.Node) error {
	if isNull(node) {
		return &wanted{"it has no value", "give " + fieldKind(field) + ", or leave the key out"}
	}
	if list, ok := field.(*[]string); ok {
		return setNodeList(list, node)
	}
	if node.Kind != yaml.ScalarNode {
		return &wanted{"it is " + nodeKind(node), "give " + fieldKind(field)}
	}
	switch field.(type) {
	case *int:
		if node.Tag != "!!int" {
			return &wanted{fmt.Sprintf("%q is %s", node.Value, nodeKind(node)), "give a whole number"}
		}
	case *tabCount:
		if node.Tag != "!!int" && node.Value != "auto" {
			return &wanted{fmt.Sprintf("%q is %s", node.Value, nodeKind(node)), "give a whole number or auto"}
		}
	case *bool:
		if node.Tag != "!!bool" {
			return &wanted{fmt.Sprintf("%q is %s", node.Value, nodeKind(node)), "give true or false"}
		}
	}
	return setText(field, node.Value)
}

// setNodeList reads a list of texts; a single text is a list of one.
func setNodeList(field *[]string, node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		*field = []string{node.Value}
		return nil
	}
	if node.Kind != yaml.SequenceNode {
		return &wanted{"it is " + nodeKind(node), "give a list of texts"}
	}
	list := make([]string, 0, len(node.Content))
	for i, element := range node.Content {
		element = resolveAlias(element)
		if element.Kind != yaml.ScalarNode || isNull(element) {
			return &wanted{fmt.Sprintf("element %d is %s", i+1, nodeKind(element)), "give a list of texts"}
		}
		list = append(list, element.Value)
	}
	*field = list
	return nil
}

// parseFlowList reads ["a", b] as the environment may give it.
func parseFlowList(text string) ([]string, error) {
	node, fault := parseYAML("", []byte(text))
	if fault != nil || node == nil {
		return nil, &wanted{fmt.Sprintf("%q is not a list", text), "write it as [one, two] or one,two"}
	}
	var list []string
	err := setNodeList(&list, node)
	return list, err
}

func resolveAlias(node *yaml.Node) *yaml.Node {
	for node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	return node
}

func isNull(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.Tag == "!!null"
}

// nodeKind says in words what a node is.
func nodeKind(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "a section"
	case yaml.SequenceNode:
		return "a list"
	}
	switch node.Tag {
	case "!!null":
		return "nothing"
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	default:
		return "a text"
	}
}

// sectionKeys are the names that may stand in a section; prefix is "" or ends with a
// dot.
func sectionKeys(prefix string) []string {
	var names []string
	for _, key := range configKeys {
		rest, below := strings.CutPrefix(key.path, prefix)
		if !below {
			continue
		}
		name, _, _ := strings.Cut(rest, ".")
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// keyHint names the key that was probably meant, or else all that are possible.
func keyHint(prefix, name string) string {
	names := sectionKeys(prefix)
	if near := nearest(name, names); near != "" {
		return "did you mean " + prefix + near + "?"
	}
	paths := make([]string, 0, len(configKeys))
	for _, key := range configKeys {
		if _, last, nested := cutLast(key.path, "."); nested && last == name {
			return "did you mean " + key.path + "?"
		}
		paths = append(paths, key.path)
	}
	if near := nearest(prefix+name, paths); near != "" {
		return "did you mean " + near + "?"
	}
	return "possible here: " + strings.Join(names, ", ")
}

// relativeTo makes relative paths relative to the file's folder, and ~/ the home
// folder's.
func relativeTo(folder string, field any) {
	switch field := field.(type) {
	case *string:
		*field = absolute(folder, *field)
	case *[]string:
		for i := range *field {
			(*field)[i] = absolute(folder, (*field)[i])
		}
	}
}

func absolute(folder, path string) string {
	if path == "" || path == ":memory:" || strings.HasPrefix(path, "file:") || strings.Contains(path, "://") {
		return path
	}
	if rest, home := strings.CutPrefix(path, "~/"); home {
		if folder, err := os.UserHomeDir(); err == nil {
			return filepath.Join(folder, rest)
		}
	}
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(folder, path)
}
