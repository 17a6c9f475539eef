package sites

import (
	"bytes"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// MaxRobotsBytes is how much of a robots.txt is read: RFC 9309 asks for at least
// 500 KiB. Of a longer one the line that the limit cuts is left out, too.
const MaxRobotsBytes = 500 << 10

// maxCrawlDelay is the longest Crawl-delay that is believed.
const maxCrawlDelay = 24 * time.Hour

// Robots is a robots.txt (RFC 9309). It is immutable.
type Robots struct {
	groups   []robotsGroup
	sitemaps []string
}

// robotsGroup are the rules for some agents.
type robotsGroup struct {
	agents []robotsAgent
	rules  []robotsRule
}

// robotsAgent is a product token in lower case, or "*", and its delay.
type robotsAgent struct {
	token string
	delay time.Duration // -1: none was given
}

type robotsRule struct {
	allow   bool
	pattern string // normal, see normalRobotsPath; without the final $
	anchor  bool   // it ended with $
}

// ParseRobots reads a robots.txt. Nothing is an error: what is no line of a
// robots.txt is passed over, as RFC 9309 wants it. A few misspellings that are
// frequent are understood as Google understands them.
func ParseRobots(body []byte) *Robots {
	if len(body) > MaxRobotsBytes {
		body = body[:MaxRobotsBytes]
		body = body[:bytes.LastIndexAny(body, "\r\n")+1]
	}
	for _, c := range []byte("\xEF\xBB\xBF") { // a byte order mark, or what is left of it
		if len(body) == 0 || body[0] != c {
			break
		}
		body = body[1:]
	}
	p := robotsParser{robots: &Robots{}}
	for line := range bytes.FieldsFuncSeq(body, func(r rune) bool { return r == '\n' || r == '\r' }) {
		key, value, ok := splitRobotsLine(string(line))
		if ok {
			p.line(key, value)
		}
	}
	return p.robots
}

// splitRobotsLine parts a line at its colon, or at white space where the colon was
// forgotten and two words stand there.
func splitRobotsLine(line string) (key, value string, ok bool) {
	line, _, _ = strings.Cut(line, "#")
	line = strings.TrimSpace(strings.ReplaceAll(line, "\x00", ""))
	key, value, ok = strings.Cut(line, ":")
	if !ok {
		words := strings.Fields(line)
		if len(words) != 2 {
			return "", "", false
		}
		key, value = words[0], words[1]
	}
	key = strings.ToLower(strings.TrimSpace(key))
	return key, strings.TrimSpace(value), key != ""
}

// robotsParser reads line by line.
type robotsParser struct {
	robots *Robots
	// ruled says that the last group has a rule, so that the next agent begins
	// another; delayed is how many of its agents a Crawl-delay line has spoken of.
	ruled   bool
	delayed int
}

func (p *robotsParser) line(key, value string) {
	switch key {
	case "user-agent", "useragent", "user agent":
		p.agent(value)
	case "allow":
		p.rule(true, value)
	case "disallow", "dissallow", "dissalow", "disalow", "diasllow", "disallaw":
		p.rule(false, value)
	case "crawl-delay", "crawldelay":
		p.delay(value)
	case "sitemap", "site-map":
		if value != "" {
			p.robots.sitemaps = append(p.robots.sitemaps, strings.ToValidUTF8(value, "\uFFFD"))
		}
	}
}

func (p *robotsParser) group() *robotsGroup {
	if len(p.robots.groups) == 0 {
		return nil
	}
	return &p.robots.groups[len(p.robots.groups)-1]
}

func (p *robotsParser) agent(value string) {
	token := productToken(value)
	if fields := strings.Fields(value); len(fields) > 0 && fields[0] == "*" {
		token = "*"
	}
	if len(p.robots.groups) == 0 || p.ruled {
		p.robots.groups = append(p.robots.groups, robotsGroup{})
		p.ruled, p.delayed = false, 0
	}
	if g := p.group(); token != "" {
		g.agents = append(g.agents, robotsAgent{token: token, delay: -1})
	}
}

// productToken is the part of a user agent that robots.txt knows it by: letters,
// "-" and "_", up to the version.
func productToken(agent string) string {
	agent = strings.TrimSpace(agent)
	for i := 0; i < len(agent); i++ {
		if c := agent[i] | 0x20; (c < 'a' || c > 'z') && agent[i] != '-' && agent[i] != '_' {
			agent = agent[:i]
		}
	}
	return strings.ToLower(agent)
}

func (p *robotsParser) rule(allow bool, value string) {
	g := p.group()
	if g == nil {
		return // before any agent
	}
	p.ruled = true
	if value == "" || value[0] != '/' && value[0] != '*' {
		return // an empty rule forbids nothing; any other path begins with a slash
	}
	r := robotsRule{allow: allow}
	value, r.anchor = strings.CutSuffix(value, "$")
	r.pattern = normalRobotsPath(value, true)
	g.rules = append(g.rules, r)
}

// delay is not a rule of RFC 9309 and so ends no group; it is of the agents that
// stand before it.
func (p *robotsParser) delay(value string) {
	g := p.group()
	seconds, err := strconv.ParseFloat(value, 64)
	if g == nil || err != nil || !(seconds >= 0) {
		return
	}
	delay := maxCrawlDelay
	if seconds < maxCrawlDelay.Seconds() {
		delay = time.Duration(seconds * float64(time.Second))
	}
	from := p.delayed
	if from == len(g.agents) {
		from = 0 // a second delay for the same agents
	}
	for i := from; i < len(g.agents); i++ {
		g.agents[i].delay = max(g.agents[i].delay, delay)
	}
	p.delayed = len(g.agents)
}

// matches calls see for each group of the agent: those that name it, else those
// of "*".
func (r *Robots) matches(agent string, see func(g *robotsGroup, a robotsAgent)) {
	for _, token := range []string{productToken(agent), "*"} {
		found := false
		for i := range r.groups {
			for _, a := range r.groups[i].agents {
				if a.token == token {
					found = true
					see(&r.groups[i], a)
				}
			}
		}
		if found {
			return
		}
	}
}

// Allowed tells whether the agent (a product token such as "ebb", or a user agent
// that begins with one) may fetch u: the longest rule that matches its path and
// query decides, allow among equals, and without one it may. /robots.txt always may
// be fetched.
func (r *Robots) Allowed(agent string, u *url.URL) bool {
	path := u.EscapedPath()
	if path == "/robots.txt" {
		return true
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	if u.RawQuery != "" || u.ForceQuery {
		path += "?" + u.RawQuery
	}
	path = normalRobotsPath(path, false)
	longest, allowed := -1, true
	r.matches(agent, func(g *robotsGroup, _ robotsAgent) {
		for i := range g.rules {
			rule := &g.rules[i]
			if n := rule.length(); (n > longest || n == longest && rule.allow) && rule.match(path) {
				longest, allowed = n, rule.allow
			}
		}
	})
	return allowed
}

func (rule *robotsRule) length() int {
	if rule.anchor {
		return len(rule.pattern) + 1
	}
	return len(rule.pattern)
}

// match tells whether the rule matches from the beginning of path; * is any text.
func (rule *robotsRule) match(path string) bool {
	glob := rule.pattern
	g, t, starGlob, starText := 0, 0, -1, 0
	for {
		switch {
		case g == len(glob) && (!rule.anchor || t == len(path)):
			return true
		case g < len(glob) && glob[g] == '*':
			g++
			starGlob, starText = g, t
			continue
		case g < len(glob) && t < len(path) && glob[g] == path[t]:
			g++
			t++
			continue
		}
		if starGlob < 0 || starText >= len(path) {
			return false
		}
		starText++
		g, t = starGlob, starText
	}
}

// CrawlDelay returns how long the agent is asked to wait between two fetches: the
// longest delay of its groups, at most a day; 0 if none is given.
func (r *Robots) CrawlDelay(agent string) time.Duration {
	var longest time.Duration
	r.matches(agent, func(_ *robotsGroup, a robotsAgent) { longest = max(longest, a.delay) })
	return longest
}

// Sitemaps returns the values of the Sitemap lines, in order and as they stand.
func (r *Robots) Sitemaps() []string { return r.sitemaps }

// What stands unescaped in a path that rules are compared with. In a rule * is the
// wildcard; in a URL it is escaped, so that only %2A in a rule names it; so with $.
var (
	robotsBytes = bytesOf(unreservedText + "!&'()+,;=:@/?")
	robotsGlob  = bytesOf(unreservedText + "!&'()+,;=:@/?*")
)

// normalRobotsPath writes paths that mean the same alike (RFC 9309, 2.2.2). In the
// query an escaped : or / is the character itself, as the RFC's table has it.
func normalRobotsPath(path string, glob bool) string {
	set := robotsBytes
	if glob {
		set = robotsGlob
	}
	path = normalPercent(path, set)
	before, query, ok := strings.Cut(path, "?")
	if !ok || !strings.Contains(query, "%") {
		return path
	}
	return before + "?" + queryUnescaper.Replace(query)
}

var queryUnescaper = strings.NewReplacer("%3A", ":", "%2F", "/")
