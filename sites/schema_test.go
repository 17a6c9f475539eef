package sites

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"
)

var update = flag.Bool("update", false, "write the files that tests compare with")

func resolvedSchema(t testing.TB) *jsonschema.Resolved {
	t.Helper()
	data, err := Schema()
	require.NoError(t, err)
	var schema jsonschema.Schema
	require.NoError(t, json.Unmarshal(data, &schema))
	resolved, err := schema.Resolve(nil)
	require.NoError(t, err)
	return resolved
}

// underSchema validates YAML text as an editor does: as the JSON value that it is.
func underSchema(t testing.TB, schema *jsonschema.Resolved, text []byte) error {
	t.Helper()
	var value any
	require.NoError(t, yaml.Load(text, &value))
	data, err := json.Marshal(value)
	require.NoError(t, err)
	var plain any
	require.NoError(t, json.Unmarshal(data, &plain))
	return schema.Validate(plain)
}

func TestSchemaTakesWhatParseTakes(t *testing.T) {
	schema := resolvedSchema(t)
	files, err := filepath.Glob("examples/*.yaml")
	require.NoError(t, err)
	good, err := filepath.Glob("testdata/good/*.yaml")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 4)
	require.GreaterOrEqual(t, len(good), 3)
	for _, file := range append(files, good...) {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		_, err = Parse(file, data)
		require.NoError(t, err)
		require.NoError(t, underSchema(t, schema, data), file)
	}
}

func TestSchemaInExamplesIsCurrent(t *testing.T) {
	data, err := Schema()
	require.NoError(t, err)
	const file = "examples/site.schema.json"
	if *update {
		require.NoError(t, os.WriteFile(file, data, 0o644))
	}
	kept, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(kept), string(data), "run go test ./sites -run SchemaInExamples -update")
}

func TestExamplesNameTheSchema(t *testing.T) {
	files, err := filepath.Glob("examples/*.yaml")
	require.NoError(t, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(data), "# yaml-language-server: $schema=./site.schema.json\n"), file)
	}
}

// TestSchemaDescribesEveryKey holds the comments of the types to being there.
func TestSchemaDescribesEveryKey(t *testing.T) {
	data, err := Schema()
	require.NoError(t, err)
	var schema jsonschema.Schema
	require.NoError(t, json.Unmarshal(data, &schema))
	objects := map[string]*jsonschema.Schema{"Site": &schema}
	for name, def := range schema.Defs {
		objects[name] = def
	}
	require.Len(t, objects, 16)
	for name, object := range objects {
		require.NotEmpty(t, object.Properties, name)
		require.NotEmpty(t, object.Description, name)
		for key, property := range object.Properties {
			require.NotEmpty(t, property.Description, name+"."+key)
		}
	}
}
