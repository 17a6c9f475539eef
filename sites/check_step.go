package sites

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// pressKeys are the keys that have a name; any other key is one character.
var pressKeys = []string{
	"Enter", "Tab", "Escape", "Backspace", "Delete", "Space",
	"ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End", "PageUp", "PageDown",
	"F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "F9", "F10", "F11", "F12",
}

// envForm is how an environment variable stands in the text of a step.
var envForm = regexp.MustCompile(`^\$\{[A-Za-z_][A-Za-z0-9_]*\}`)

func (c *checker) checkSteps(path string, steps []Step) {
	var asleep Duration
	for i := range steps {
		below := path + "[" + strconv.Itoa(i) + "]"
		if c.checkStep(below, &steps[i]); c.said[below+".sleep"] || c.said[below+".times"] {
			continue
		}
		asleep += min(steps[i].Sleep, c.site.Limits.PageTimeout) * Duration(max(min(steps[i].Times, 1000), 1))
	}
	if asleep > 0 && asleep >= c.site.Limits.PageTimeout {
		c.fault(path, fmt.Sprintf("sleep for %v in all, but a page may take %v", asleep, c.site.Limits.PageTimeout), "raise limits.page_timeout")
	}
}

func (c *checker) checkStep(path string, s *Step) {
	c.exactlyOne(path, "give one of click, type, press, select, scroll, wait, sleep, evaluate, back, goto", []choice{
		{"click", s.Click != ""},
		{"type", s.Type != nil},
		{"press", s.Press != ""},
		{"select", s.Select != nil},
		{"scroll", s.Scroll != ""},
		{"wait", s.Wait != nil},
		{"sleep", s.Sleep != 0},
		{"evaluate", s.Evaluate != ""},
		{"back", s.Back},
		{"goto", s.Goto != ""},
	})
	c.checkCSS(path+".click", s.Click)
	if s.Type != nil {
		c.checkInput(path+".type", s.Type)
	}
	if s.Select != nil {
		c.checkInput(path+".select", s.Select)
	}
	if s.Press != "" && utf8.RuneCountInString(s.Press) != 1 && !slices.Contains(pressKeys, s.Press) {
		hint := didYouMean(s.Press, pressKeys)
		if hint == "" {
			hint = "write one character or one of " + strings.Join(pressKeys[:7], ", ") + ", ArrowDown, PageDown, F1, ..."
		}
		c.fault(path+".press", shown(s.Press)+" is not a key", hint)
	}
	if s.Scroll != "" && s.Scroll != "end" {
		c.fault(path+".scroll", shown(s.Scroll)+" is not a place to scroll to", "write scroll: end")
	}
	if s.Wait != nil {
		c.checkWait(path+".wait", s.Wait)
	}
	if s.Goto != "" {
		if err := checkGoto(s.Goto); err != nil {
			c.faultOf(path+".goto", withoutPassword(s.Goto), err)
		}
	}
	c.checkStepTimeout(path, s)
}

func (c *checker) checkStepTimeout(path string, s *Step) {
	if !c.given(path+".timeout", true) {
		return
	}
	switch {
	case s.Timeout > c.site.Limits.PageTimeout:
		c.fault(path+".timeout", fmt.Sprintf("%v is longer than the whole page may take, %v", s.Timeout, c.site.Limits.PageTimeout), "raise limits.page_timeout")
	case s.Sleep > 0 && s.Timeout <= s.Sleep:
		c.fault(path+".timeout", fmt.Sprintf("%v ends the step before it has slept for %v", s.Timeout, s.Sleep), "remove it")
	}
}

func (c *checker) checkInput(path string, in *Input) {
	if in.Into == "" && !c.given(path+".into", false) {
		c.missing(path, "into", "give the CSS selector of the element")
	}
	c.checkCSS(path+".into", in.Into)
	if in.Text == "" && !c.given(path+".text", c.site.at == nil) {
		c.missing(path, "text", "give the text, an empty one as \"\"")
	}
	for rest := in.Text; ; {
		_, after, found := strings.Cut(rest, "${")
		if !found {
			return
		}
		if !envForm.MatchString("${" + after) {
			c.fault(path+".text", "holds ${ without a name and }", "write ${NAME} with letters, digits and '_'")
		}
		rest = after
	}
}

// checkGoto says why a URL, which may be relative, cannot be gone to.
func checkGoto(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return fmt.Errorf("is not a URL; %s", urlParseHint(err))
	case u.IsAbs() || strings.HasPrefix(raw, "//"):
		if !u.IsAbs() {
			raw = "https:" + raw
		}
		return checkURL(raw)
	case strings.ContainsAny(raw, " \t\r\n<>\""):
		return fmt.Errorf("is not a URL; spaces are written %%20")
	}
	return nil
}
