package sites

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// The written forms of names; the JSON Schema uses them too.
const (
	siteNamePattern  = `^[a-z0-9][a-z0-9_-]{0,63}$`
	namePattern      = `^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`
	fieldNamePattern = `^[A-Za-z_][A-Za-z0-9_-]{0,63}$`
)

var (
	siteNameForm  = regexp.MustCompile(siteNamePattern)
	nameForm      = regexp.MustCompile(namePattern)
	fieldNameForm = regexp.MustCompile(fieldNamePattern)
)

const (
	siteNameHint  = "use lower-case letters, digits, '-' and '_', at most 64 characters"
	nameHint      = "use letters, digits, '-' and '_', at most 64 characters"
	fieldNameHint = "use letters, digits, '-' and '_', a letter or '_' first, at most 64 characters"
)

// checkName reports a name that is missing or cannot be one.
func (c *checker) checkName(path, name string, form *regexp.Regexp, hint string) {
	full := "name"
	if path != "" {
		full = path + ".name"
	}
	switch {
	case name == "" && !c.given(full, false):
		c.missing(path, "name", hint)
	case name != "" && !form.MatchString(name):
		c.fault(full, shown(name)+" is not a name", hint)
	}
}

func (c *checker) checkIdentity() {
	s := c.site
	c.checkName("", s.Name, siteNameForm, siteNameHint)
	if len(s.Start) == 0 {
		c.absentList("", "start", "give at least one URL")
	}
	for i, start := range s.Start {
		if err := checkURL(start); err != nil {
			c.faultOf("start["+strconv.Itoa(i)+"]", withoutPassword(start), err)
		}
	}
	const longest = 512
	if agent := s.UserAgent; len(agent) > longest || strings.ContainsFunc(agent, isControl) {
		c.fault("user_agent", shown(agent)+" is not a header value", "write one line of at most 512 bytes")
	}
}

// absentList reports a list that is missing or empty.
func (c *checker) absentList(path, key, hint string) {
	full := key
	if path != "" {
		full = path + "." + key
	}
	if c.given(full, false) {
		c.fault(full, "is empty", hint)
		return
	}
	c.missing(path, key, hint)
}

// withoutPassword keeps a password out of messages.
func withoutPassword(raw string) string {
	u, err := url.Parse(raw)
	switch {
	case err == nil && u.User != nil:
		return u.Redacted()
	case err != nil && strings.Contains(raw, "@"):
		scheme, _, _ := strings.Cut(raw, "//")
		return scheme + "//xxxxx" + raw[strings.LastIndexByte(raw, '@'):]
	}
	return raw
}

// checkURL says why a start URL is none.
func checkURL(raw string) error {
	const longest = 8192
	u, err := url.Parse(raw)
	switch {
	case len(raw) > longest:
		return fmt.Errorf("is longer than %d bytes", longest)
	case err != nil:
		return fmt.Errorf("is not a URL; %s", urlParseHint(err))
	case u.Scheme == "" && strings.HasPrefix(raw, "/") && !strings.HasPrefix(raw, "//"):
		return fmt.Errorf("is not absolute; write https://host%s", raw)
	case u.Scheme == "" || u.Opaque != "" && isDigits(u.Opaque[:1]): // shop.example:80/x
		return fmt.Errorf("is not absolute; write https://%s", strings.TrimLeft(raw, "/"))
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("has scheme %s; only http and https pages can be scraped", u.Scheme)
	case u.Hostname() == "":
		return fmt.Errorf("names no host; write https://host/path")
	case u.User != nil:
		return fmt.Errorf("holds a user name; log in with steps, the password as ${NAME}")
	case strings.ContainsAny(raw, " \t\r\n<>\"") || !hostForm.MatchString(u.Host):
		return fmt.Errorf("is not a URL; a host is letters, digits, '-' and '.', and spaces are written %%20")
	}
	if port := u.Port(); port != "" {
		if number, err := strconv.Atoi(port); err != nil || number < 1 || number > 65535 {
			return fmt.Errorf("has port %s; a port is 1 to 65535", port)
		}
	}
	return nil
}

var hostForm = regexp.MustCompile(`^([\pL\pN._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]*)?$`)

// urlParseHint drops the URL that net/url repeats in its message.
func urlParseHint(err error) string {
	message := err.Error()
	if at := strings.LastIndex(message, `": `); at >= 0 {
		message = message[at+3:]
	}
	return message
}

func (c *checker) checkTime() {
	s := c.site
	location, err := loadTimezone(s.Timezone)
	if err != nil {
		if s.Timezone != "" {
			c.fault("timezone", shown(s.Timezone)+" is not a time zone", "write an IANA name such as Europe/Berlin, or UTC")
		}
		location, _ = loadTimezone(defaultTimezone)
	}
	if strings.TrimSpace(s.Schedule) == "" {
		return
	}
	schedule, err := parseSchedule(s.Schedule, location)
	if err != nil {
		c.faultOf("schedule", s.Schedule, err)
		return
	}
	if s.Jitter <= 0 {
		return
	}
	if period := Duration(shortestPeriod(schedule)); s.Jitter >= period {
		c.fault("jitter", fmt.Sprintf("%v is not shorter than the time between two runs, %v", s.Jitter, period), "a run would be due after the next")
	}
}

// checkKeep checks what a document that stays open allows.
func (c *checker) checkKeep() {
	s := c.site
	if s.Keep != KeepPage {
		return
	}
	if s.Isolation != IsolationTab && c.given("isolation", true) {
		c.fault("isolation", fmt.Sprintf("%s ends what keep: page leaves open", s.Isolation), "write isolation: tab, or leave it out")
	}
	if len(s.Start) > 1 {
		c.fault("start", "has more than one URL, but keep: page leaves one document open", "give one start URL, or make a site of each")
	}
	for i, t := range s.Templates {
		if len(t.Links) > 0 {
			c.fault(fmt.Sprintf("templates[%d].links", i), "are followed to other pages, but keep: page stays on one", "use steps, such as click and back")
		}
	}
}

// checkLimits compares the times that bound each other.
func (c *checker) checkLimits() {
	s := c.site
	if s.Timeout <= 0 || c.said["timeout"] {
		return
	}
	if s.Limits.PageTimeout > s.Timeout {
		c.fault("limits.page_timeout", fmt.Sprintf("%v is longer than the timeout of the whole run, %v", s.Limits.PageTimeout, s.Timeout), "raise timeout")
	}
	if s.Challenge.Limit > s.Timeout {
		c.fault("challenge.limit", fmt.Sprintf("%v is longer than the timeout of the whole run, %v", s.Challenge.Limit, s.Timeout), "raise timeout")
	}
}

func (c *checker) checkBlock() {
	for i, pattern := range c.site.Block.URLs {
		if strings.HasPrefix(pattern, "~") || strings.ContainsAny(pattern, " \t\n") {
			c.fault(fmt.Sprintf("block.urls[%d]", i), shown(pattern)+" is not a pattern", "write a URL in which * stands for any characters")
		}
	}
}

func (c *checker) checkFollow() {
	f := c.site.Follow
	for i, origin := range f.Origins {
		if err := checkOrigin(origin); err != nil {
			c.faultOf(fmt.Sprintf("follow.origins[%d]", i), withoutPassword(origin), err)
		}
	}
	c.checkPatterns("follow.allow", f.Allow)
	c.checkPatterns("follow.deny", f.Deny)
}

func checkOrigin(origin string) error {
	if origin == "*" || strings.TrimSpace(origin) == "" {
		return nil
	}
	if strings.Contains(origin, "*") {
		return fmt.Errorf("is not an origin; write * alone for every origin, or name each")
	}
	if err := checkURL(origin); err != nil {
		return err
	}
	if u, err := url.Parse(origin); err != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("is more than an origin; write scheme://host[:port], and patterns under follow.allow")
	}
	return nil
}

func (c *checker) checkPatterns(path string, patterns []Pattern) {
	for i, pattern := range patterns {
		if err := checkPattern(string(pattern)); err != nil {
			c.faultOf(fmt.Sprintf("%s[%d]", path, i), string(pattern), err)
		}
	}
}

// checkPattern says why a URL pattern can match nothing.
func checkPattern(pattern string) error {
	if strings.TrimSpace(pattern) == "" {
		return nil // said already
	}
	if expression, ok := strings.CutPrefix(pattern, "~"); ok {
		return checkRegex(expression)
	}
	switch {
	case strings.ContainsAny(pattern, " \t\r\n"):
		return fmt.Errorf("holds a space; write %%20")
	case !strings.HasPrefix(pattern, "/") && !strings.Contains(pattern, "://"):
		return fmt.Errorf("can match no URL; start with / for path and query, with https:// for the whole URL, or with ~ for a regular expression")
	case strings.Contains(pattern, "#"):
		return fmt.Errorf("holds #; URLs are compared without fragment")
	case Pattern(pattern).Check() != nil:
		return fmt.Errorf("can match no URL; write scheme://host/path with at least a host")
	}
	return nil
}

// checkRegex says why a regular expression does not compile.
func checkRegex(expression string) error {
	const longest = 2000
	if expression == "" {
		return fmt.Errorf("is an empty regular expression")
	}
	if len(expression) > longest {
		return fmt.Errorf("is longer than %d bytes", longest)
	}
	if _, err := regexp.Compile(expression); err != nil {
		message := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
		hint := "RE2 syntax is meant"
		if strings.Contains(message, "(?=") || strings.Contains(message, "(?!") || strings.Contains(message, "(?<") {
			hint = "RE2 has no look-around"
		}
		return fmt.Errorf("does not compile: %s; %s", strings.ReplaceAll(message, "; ", ", "), hint)
	}
	return nil
}
