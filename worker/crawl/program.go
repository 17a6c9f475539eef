package crawl

import (
	"errors"
	"fmt"

	"github.com/ebbworker/ebb/sites"
)

// pageProgram is a template made ready to run.
type pageProgram struct {
	*sites.Program
	template *sites.Template
}

// compile makes all templates of a site ready, once a run.
func compile(site *sites.Site) (map[string]*pageProgram, error) {
	programs := make(map[string]*pageProgram, len(site.Templates))
	waiting := forWaits(site)
	for i := range site.Templates {
		template := &site.Templates[i]
		program, err := waiting.Compile(template)
		if err != nil {
			return nil, fmt.Errorf("make template %s ready: %w", template.Name, err)
		}
		programs[template.Name] = &pageProgram{Program: program, template: template}
	}
	return programs, nil
}

// forWaits is the site with a page timeout that is a little shorter. A wait without a
// timeout of its own then ends before the page does, and can say what it waited for.
func forWaits(site *sites.Site) *sites.Site {
	shorter := *site
	shorter.Limits.PageTimeout = sites.Duration(limitsOf(site).page / 10 * 9)
	return &shorter
}

// waitFault gives an error of Decode or DecodeWait its class.
func waitFault(err error) error {
	var waitErr *sites.WaitError
	var selectorErr *sites.SelectorError
	switch {
	case errors.As(err, &waitErr):
		return &fault{class: ClassSelector, err: err}
	case errors.As(err, &selectorErr):
		return &fault{class: ClassInvalid, err: err} // the same selector is refused again
	}
	return err
}
