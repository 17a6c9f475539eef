package sites

import (
	"fmt"
	"slices"
	"strings"
)

const (
	maxXPathBytes = 10_000
	maxXPathDepth = 64
)

// xpathArguments are the functions of XPath 1.0 with the least and the largest number
// of their arguments.
var xpathArguments = map[string][2]int{
	"last": {0, 0}, "position": {0, 0}, "count": {1, 1}, "id": {1, 1}, "local-name": {0, 1}, "namespace-uri": {0, 1},
	"name": {0, 1}, "string": {0, 1}, "concat": {2, 1000}, "starts-with": {2, 2}, "contains": {2, 2},
	"substring-before": {2, 2}, "substring-after": {2, 2}, "substring": {2, 3}, "string-length": {0, 1},
	"normalize-space": {0, 1}, "translate": {3, 3}, "boolean": {1, 1}, "not": {1, 1}, "true": {0, 0}, "false": {0, 0},
	"lang": {1, 1}, "number": {0, 1}, "sum": {1, 1}, "floor": {1, 1}, "ceiling": {1, 1}, "round": {1, 1},
}

var xpathAxes = []string{
	"ancestor", "ancestor-or-self", "attribute", "child", "descendant", "descendant-or-self", "following",
	"following-sibling", "namespace", "parent", "preceding", "preceding-sibling", "self",
}

var xpathNodeTypes = []string{"comment", "text", "node", "processing-instruction"}

// xpathPrefixes are the namespaces that the page's program knows.
var xpathPrefixes = []string{"html", "h", "svg", "math", "xlink", "atom"}

// checkXPath says why a text is not an XPath 1.0 expression that a browser takes.
func checkXPath(expression string) error {
	if len(expression) > maxXPathBytes {
		return fmt.Errorf("is longer than %d bytes", maxXPathBytes)
	}
	tokens, err := xpathTokens(expression)
	if err != nil {
		return err
	}
	p := &xpathParser{tokens: tokens}
	if err := p.expr(); err != nil {
		return err
	}
	if p.peek().kind != xpathEnd {
		return p.unexpected()
	}
	return nil
}

// xpathParser checks tokens against the grammar of XPath 1.0. Operators need no
// precedence for that.
type xpathParser struct {
	tokens []xpathToken
	pos    int
	depth  int
}

func (p *xpathParser) peek() xpathToken { return p.tokens[p.pos] }

// take goes on if the next token is the symbol.
func (p *xpathParser) take(symbol string) bool {
	if t := p.peek(); t.kind == xpathSymbol && t.text == symbol {
		p.pos++
		return true
	}
	return false
}

func (p *xpathParser) unexpected() error {
	t := p.peek()
	if t.kind == xpathEnd {
		return fmt.Errorf("is not an XPath expression: it ends too early")
	}
	return fmt.Errorf("is not an XPath expression: %s cannot stand at character %d", shown(t.text), t.column)
}

func (p *xpathParser) closing(symbol, what string) error {
	if p.take(symbol) {
		return nil
	}
	if p.peek().kind == xpathEnd {
		return fmt.Errorf("is not an XPath expression: %s is not closed", what)
	}
	return p.unexpected()
}

// expr reads paths and values with operators between them.
func (p *xpathParser) expr() error {
	if p.depth++; p.depth > maxXPathDepth {
		return fmt.Errorf("is not an XPath expression: it is nested too deeply")
	}
	defer func() { p.depth-- }()
	for {
		for p.take("-") {
			continue
		}
		if err := p.path(); err != nil {
			return err
		}
		if p.peek().kind != xpathOperator && !(p.peek().kind == xpathSymbol && isXPathOperator(p.peek().text)) {
			return nil
		}
		p.pos++
	}
}

func isXPathOperator(symbol string) bool {
	return slices.Contains([]string{"|", "+", "-", "=", "!=", "<", "<=", ">", ">="}, symbol)
}

// path reads a location path, or a value with predicates and a path after it.
func (p *xpathParser) path() error {
	t := p.peek()
	switch {
	case t.kind == xpathLiteral || t.kind == xpathNumber:
		p.pos++
	case t.kind == xpathFunction && !slices.Contains(xpathNodeTypes, t.text):
		if err := p.call(); err != nil {
			return err
		}
	case p.take("("):
		if err := p.expr(); err != nil {
			return err
		}
		if err := p.closing(")", "a parenthesis"); err != nil {
			return err
		}
	case p.take("//"):
		return p.steps()
	case p.take("/"):
		if !p.startsStep() {
			return nil // the root alone
		}
		return p.steps()
	default:
		return p.steps()
	}
	if err := p.predicates(); err != nil {
		return err
	}
	if p.take("/") || p.take("//") {
		return p.steps()
	}
	return nil
}

func (p *xpathParser) startsStep() bool {
	t := p.peek()
	switch t.kind {
	case xpathName, xpathAxis:
		return true
	case xpathFunction:
		return slices.Contains(xpathNodeTypes, t.text)
	case xpathSymbol:
		return slices.Contains([]string{".", "..", "@", "*"}, t.text)
	}
	return false
}

func (p *xpathParser) steps() error {
	for {
		if err := p.step(); err != nil {
			return err
		}
		if !p.take("/") && !p.take("//") {
			return nil
		}
	}
}

// step reads one step of a path: axis, node test and predicates.
func (p *xpathParser) step() error {
	if p.take(".") || p.take("..") {
		if p.peek().text == "[" && p.peek().kind == xpathSymbol {
			return fmt.Errorf("is not an XPath expression: no predicate may follow . or ..; write self::node()[...]")
		}
		return nil
	}
	if !p.take("@") && p.peek().kind == xpathAxis {
		if axis := p.peek().text; !slices.Contains(xpathAxes, axis) {
			return fmt.Errorf("is not an XPath expression: there is no axis %s; known are %s", shown(axis), strings.Join(xpathAxes, ", "))
		}
		p.pos++
	}
	t := p.peek()
	switch {
	case p.take("*"):
	case t.kind == xpathName:
		if prefix, _, found := strings.Cut(t.text, ":"); found && !slices.Contains(xpathPrefixes, prefix) {
			return fmt.Errorf("is not an XPath expression: there is no namespace %s; known are %s", shown(prefix), strings.Join(xpathPrefixes, ", "))
		}
		p.pos++
	case t.kind == xpathFunction && slices.Contains(xpathNodeTypes, t.text):
		p.pos += 2 // the name and its parenthesis
		if t.text == "processing-instruction" && p.peek().kind == xpathLiteral {
			p.pos++
		}
		if err := p.closing(")", t.text+"("); err != nil {
			return err
		}
	default:
		return p.unexpected()
	}
	return p.predicates()
}

func (p *xpathParser) predicates() error {
	for p.take("[") {
		if err := p.expr(); err != nil {
			return err
		}
		if err := p.closing("]", "a bracket"); err != nil {
			return err
		}
	}
	return nil
}

// call reads a function with its arguments.
func (p *xpathParser) call() error {
	name := p.peek().text
	bounds, known := xpathArguments[name]
	if !known {
		names := make([]string, 0, len(xpathArguments))
		for n := range xpathArguments {
			names = append(names, n)
		}
		slices.Sort(names)
		hint := "browsers know XPath 1.0 only"
		if near := nearest(name, names); near != "" {
			hint = "did you mean " + near + "()?"
		}
		return fmt.Errorf("is not an XPath expression: there is no function %s(); %s", name, hint)
	}
	p.pos += 2 // the name and its parenthesis
	count := 0
	if !p.take(")") {
		for {
			if err := p.expr(); err != nil {
				return err
			}
			if count++; !p.take(",") {
				break
			}
		}
		if err := p.closing(")", name+"("); err != nil {
			return err
		}
	}
	if count < bounds[0] || count > bounds[1] {
		return fmt.Errorf("is not an XPath expression: %s() takes %s, not %d", name, argumentCount(bounds), count)
	}
	return nil
}

func argumentCount(bounds [2]int) string {
	switch {
	case bounds[0] == bounds[1]:
		return fmt.Sprintf("%d arguments", bounds[0])
	case bounds[1] > 100:
		return fmt.Sprintf("%d arguments or more", bounds[0])
	}
	return fmt.Sprintf("%d to %d arguments", bounds[0], bounds[1])
}
