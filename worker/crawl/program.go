package crawl

import (
	"errors"
	"fmt"
	"slices"
	"time"

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
	for i := range site.Templates {
		template := site.Templates[i]
		template.Wait = slices.Clone(template.Wait)
		for i := range template.Wait {
			template.Wait[i] = inTime(site, template.Wait[i])
		}
		program, err := site.Compile(&template)
		if err != nil {
			return nil, fmt.Errorf("make template %s ready: %w", template.Name, err)
		}
		programs[template.Name] = &pageProgram{Program: program, template: &template}
	}
	return programs, nil
}

// inTime is a wait that ends a little before its page does, so that it can say what it
// waited for.
func inTime(site *sites.Site, wait sites.Wait) sites.Wait {
	wait.Timeout = beforePage(wait.Timeout, limitsOf(site).page)
	return wait
}

// beforePage is the time limit of a wait or a step: its own, but where that is as long
// as the page's, or none, nine tenths of the page's.
func beforePage(limit sites.Duration, page time.Duration) sites.Duration {
	if limit <= 0 || time.Duration(limit) >= page {
		return sites.Duration(page / 10 * 9)
	}
	return limit
}

// waitFault gives an error of Decode or DecodeWait its class.
func waitFault(err error) error {
	var waitErr *sites.WaitError
	var selectorErr *sites.SelectorError
	switch {
	case errors.As(err, &waitErr):
		return &fault{class: waitClass(waitErr.Wait), err: err}
	case errors.As(err, &selectorErr):
		return &fault{class: ClassInvalid, err: err} // the same selector is refused again
	}
	return err
}

// waitClass is the class of a wait that was in vain: a document that does not come to
// its end is late, anything else was not found in it.
func waitClass(wait sites.Wait) Class {
	if wait.Event != "" {
		return ClassTimeout
	}
	return ClassSelector
}
