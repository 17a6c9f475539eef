package sites

import (
	"fmt"
	"io"
	"os"
	"strings"

	"go.yaml.in/yaml/v4"
)

// LoadSteps reads a file of steps. The error is Faults when the file could be read but is not
// right; see ParseSteps.
func LoadSteps(path string) ([]Step, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read steps: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read steps: %w", err)
	}
	return ParseSteps(path, data)
}

// stepsPath is where the steps stand in the site that they are checked in.
const stepsPath = "templates[0].steps"

// ParseSteps reads the YAML text of a file that holds a list of steps, as a template of a site
// file has under "steps:". File names the text in messages. They are checked as those of a site
// with the usual limits; the error is Faults with every fault of the text, each at its place.
func ParseSteps(file string, data []byte) ([]Step, error) {
	root, faults := parseDocument(file, data)
	if len(faults) > 0 {
		return nil, ofSteps(faults)
	}
	if root.Kind != yaml.SequenceNode {
		return nil, Faults{{
			File: file, Line: max(root.Line, 1), Column: max(root.Column, 1), Message: "is " + kindOf(root) + ", not a list of steps",
			Hint: "write - click: \"#next\", one step a line, without steps: above them",
		}}
	}
	r := newReader(file)
	site := New("steps", "http://localhost/")
	site.File, site.Templates = file, []Template{{Name: "steps"}}
	r.read(root, target{value: settable(&site.Templates[0].Steps), path: stepsPath})
	site.at = r.at
	c := newChecker(site, r.faults, r.bad)
	c.check()
	if err := ofSteps(c.faults.inOrder()).or(); err != nil {
		return nil, err
	}
	return site.Templates[0].Steps, nil
}

// ofSteps are the faults of the steps, without those of the site around them, which has no text.
func ofSteps(faults Faults) Faults {
	var of Faults
	for _, fault := range faults {
		path, within := strings.CutPrefix(fault.Path, stepsPath)
		if !within && fault.Path != "" {
			continue
		}
		if within {
			fault.Path = "steps" + path
		}
		fault.Message = strings.Replace(fault.Message, "the file holds no site", "the file holds no steps", 1)
		if fault.Message == "the file holds no steps" {
			fault.Hint = "write - click: \"#next\", one step a line"
		}
		of = append(of, fault)
	}
	return of
}
