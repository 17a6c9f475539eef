package sites

import (
	"encoding/json"
	"fmt"
	"regexp"
	"time"
)

func (c *compiler) fields(item, above string, fields []Field, scope *domScope, inJSON bool) []fieldPlan {
	plans := make([]fieldPlan, 0, len(fields))
	for i := range fields {
		plans = append(plans, c.field(item, above, &fields[i], scope, inJSON))
	}
	return plans
}

func (c *compiler) field(item, above string, f *Field, scope *domScope, inJSON bool) fieldPlan {
	plan := fieldPlan{name: f.Name, where: above + f.Name, many: f.Many, required: f.Required, constant: f.Const}
	where := item + ", field " + plan.where
	plan.convert = c.conversion(where, f)
	if f.Default != nil {
		plan.fallback = c.fallback(where, f.Default)
	}
	if f.Const != "" {
		plan.origin = fromConst
		return plan
	}
	plan.origin = c.sourceOf(&f.Source, inJSON)
	c.locatePath(where, &f.Source, &plan.locator)
	if plan.origin != fromDOM {
		switch plan.origin {
		case fromLD:
			plan.ldType, plan.slot = f.JSONLD, c.script(where, ldSelector)
		case fromScript:
			plan.slot = c.script(where, f.JSON)
		}
		plan.nested = c.fields(item, plan.where+".", f.Fields, scope, true)
		return plan
	}
	plan.parse = f.Path != ""
	selector := c.domSelector(where, &f.Source)
	switch take := takeOf(f); {
	case len(f.Fields) > 0 && plan.parse:
		plan.slot = scope.add(selector, f.Many, takeRaw, nil)
		plan.nested = c.fields(item, plan.where+".", f.Fields, scope, true)
	case len(f.Fields) > 0:
		below := &domScope{}
		plan.nested = c.fields(item, plan.where+".", f.Fields, below, false)
		plan.slot = scope.add(selector, f.Many, takeNested, below.spec())
	case take == takeAttr:
		plan.slot = scope.add(selector, f.Many, take, f.Attr)
	default:
		plan.slot = scope.add(selector, f.Many, take, nil)
	}
	plan.convert.presence = f.Attr == "" && !f.HTML && f.Regex == "" && f.selects() && !plan.parse
	return plan
}

func takeOf(f *Field) int {
	switch {
	case f.Attr != "":
		return takeAttr
	case f.HTML:
		return takeHTML
	case f.Type == TypeRaw || f.Type == TypeJSON || f.Path != "":
		return takeRaw
	default:
		return takeText
	}
}

// conversion plans what the field's text becomes.
func (c *compiler) conversion(where string, f *Field) conversion {
	v := conversion{kind: f.Type, attr: f.Attr, html: f.HTML}
	if v.kind == "" {
		v.kind = TypeText
	}
	var err error
	if f.Regex != "" {
		if v.regex, err = regexp.Compile(f.Regex); err != nil {
			c.fault(where, "regex: %w", err)
		}
	}
	switch v.kind {
	case TypeNumber, TypeInteger:
		if v.number, err = numberFormatOf(f.Locale); err != nil {
			c.fault(where, "%w", err)
		}
	case TypeDate:
		zone := f.Timezone
		if zone == "" {
			zone = c.site.Timezone
		}
		if v.date, err = newDateFormat(f.Layout, f.Locale, zone); err != nil {
			c.fault(where, "%w", err)
		}
	case TypeText, TypeRaw, TypeBoolean, TypeURL, TypeJSON:
	default:
		c.fault(where, "%q is no type", v.kind)
	}
	return v
}

// fallback is a default of the site file as JSON.
func (c *compiler) fallback(where string, value any) *jsonValue {
	if t, ok := value.(time.Time); ok { // YAML reads 2026-01-31 as a time
		value = dateText(t, t.Hour()|t.Minute()|t.Second() != 0)
	}
	data, err := json.Marshal(value)
	if err != nil {
		c.fault(where, "default: %w", err)
		return nil
	}
	v, err := parseJSON(string(data))
	if err != nil {
		c.fault(where, "default: %w", err)
		return nil
	}
	return &v
}

func (c *compiler) link(rule *LinkRule, index int) linkPlan {
	where := fmt.Sprintf("link rule %d", index+1)
	plan := linkPlan{rule: rule}
	c.locatePath(where, &rule.Source, &plan.locator)
	plan.origin = c.sourceOf(&rule.Source, false)
	switch plan.origin {
	case fromLD:
		plan.ldType, plan.slot = rule.JSONLD, c.script(where, ldSelector)
	case fromScript:
		plan.slot = c.script(where, rule.JSON)
	default:
		if !rule.selects() || rule.Path != "" {
			c.fault(where, "a link needs css, xpath, json_ld or json, and a path only with the last two")
		}
		attribute := rule.Attr
		if attribute == "" {
			attribute = "href"
		}
		plan.slot = len(c.linkSpecs)
		c.linkSpecs = append(c.linkSpecs, [3]any{c.domSelector(where, &rule.Source), attribute, rule.Limit})
	}
	return plan
}
