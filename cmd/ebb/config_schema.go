package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
)

// durationPattern is what time.ParseDuration takes, without a sign.
const durationPattern = `^(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h))+$`

// ConfigSchema is the configuration's JSON Schema (2020-12), indented.
func ConfigSchema() ([]byte, error) {
	data, err := json.MarshalIndent(configSchema(), "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the schema: %w", err)
	}
	return append(data, '\n'), nil
}

// configSchema is built from the table of keys.
func configSchema() *jsonschema.Schema {
	root := sectionSchema()
	root.Schema = "https://json-schema.org/draft/2020-12/schema"
	root.Title = "Configuration of ebb"
	root.Type, root.Types = "", []string{"object", "null"} // an empty file is a configuration
	defaults := Default(func(string) string { return "" })
	for i := range configKeys {
		key := &configKeys[i]
		section, name := root, key.path
		for {
			head, rest, nested := strings.Cut(name, ".")
			if !nested {
				break
			}
			if section.Properties[head] == nil {
				child := sectionSchema()
				child.Type, child.Types = "", []string{"object", "null"}
				section.Properties[head] = child
				section.PropertyOrder = append(section.PropertyOrder, head)
			}
			section, name = section.Properties[head], rest
		}
		section.Properties[name] = keySchema(key, &defaults)
		section.PropertyOrder = append(section.PropertyOrder, name)
	}
	return root
}

// sectionSchema is an object that takes no keys but those it names.
func sectionSchema() *jsonschema.Schema {
	return &jsonschema.Schema{
		Type:                 "object",
		Properties:           map[string]*jsonschema.Schema{},
		AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}},
	}
}

// keySchema is the schema of one value.
func keySchema(key *configKey, defaults *Config) *jsonschema.Schema {
	field := key.field(defaults)
	schema := &jsonschema.Schema{Description: key.help}
	switch field.(type) {
	case *bool:
		schema.Type = "boolean"
	case *int:
		schema.Type = "integer"
	case *tabCount:
		schema.Types = []string{"integer", "string"}
	case *time.Duration:
		schema.Type, schema.Pattern = "string", durationPattern
	case *[]string:
		schema.Type, schema.Items = "array", &jsonschema.Schema{Type: "string"}
	default:
		schema.Type = "string"
	}
	if key.check != nil {
		key.check.describe(schema)
	}
	if key.machine != "" {
		schema.Description += " Default: " + key.machine + "."
	} else if data, err := json.Marshal(fieldValue(field)); err == nil && string(data) != "null" {
		schema.Default = data
	}
	return schema
}
