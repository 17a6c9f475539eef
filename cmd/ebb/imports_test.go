package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
)

const (
	repository = "../.." // seen from this package
	modulePath = "github.com/ebbworker/ebb"
)

// ourImports says which of our packages a package may import. docs/architecture.md has
// the same table for people.
var ourImports = map[string][]string{
	"browser":                nil,
	"browser/browsertest":    {"browser"},
	"browser/egress":         nil,
	"memprof":                {"memprof/stats"},
	"memprof/heap":           nil,
	"memprof/stats":          nil,
	"memprof/stats/study":    {"memprof/stats"},
	"memprof/devtools":       {"memprof"},
	"memprof/goruntime":      {"memprof"},
	"memprof/linux":          {"memprof"},
	"memprof/report":         {"memprof"},
	"memprof/prom":           {"memprof"},
	"sites":                  nil,
	"sites/demo":             nil,
	"sites/hostile":          nil,
	"sites/leaky":            nil,
	"worker":                 {"browser", "memprof", "memprof/devtools", "memprof/goruntime", "memprof/heap", "memprof/linux", "sites", "worker/budget", "worker/crawl", "worker/queue", "worker/store"},
	"worker/budget":          {"memprof/stats"},
	"worker/crawl":           {"browser", "browser/egress", "sites"},
	"worker/queue":           {"sites", "worker/crawl", "worker/store"},
	"worker/store":           {"sites", "worker/crawl"},
	"worker/store/storetest": {"worker/store"},
	"worker/web":             {"memprof", "sites", "worker/crawl", "worker/queue", "worker/store"},
	"cmd/ebb/output":         nil,
	"cmd/ebb/bench":          {"browser", "memprof", "memprof/linux", "sites", "sites/demo", "worker/crawl"},
	"cmd/ebb/faults":         {"browser", "memprof", "sites", "sites/hostile", "worker", "worker/crawl", "worker/queue", "worker/store"},
	"cmd/ebb":                {"browser", "browser/egress", "memprof", "memprof/devtools", "memprof/heap", "memprof/linux", "memprof/prom", "memprof/report", "memprof/stats/study", "sites", "sites/demo", "sites/leaky", "worker", "worker/budget", "worker/crawl", "worker/queue", "worker/store", "worker/web", "cmd/ebb/bench", "cmd/ebb/faults", "cmd/ebb/output"},
}

// theirImports says where code of others may be imported: the prefix of an import path,
// and the folders of ours. What is not in it may be imported nowhere but in tests.
var theirImports = map[string][]string{
	"github.com/chromedp/":                 {"browser", "memprof/devtools"},
	"golang.org/x/net/http/httpproxy":      {"browser"},
	"golang.org/x/sync/":                   {"browser", "cmd/ebb/faults"},
	"golang.org/x/sys/unix":                {"browser", "memprof/linux", "worker/store", "cmd/ebb"},
	"github.com/google/jsonschema-go/":     {"sites", "cmd/ebb"},
	"go.yaml.in/yaml/":                     {"sites", "cmd/ebb"},
	"golang.org/x/net/idna":                {"sites"},
	"golang.org/x/text/":                   {"sites"},
	"github.com/robfig/cron/":              {"sites", "worker/queue"},
	"github.com/cenkalti/backoff/":         {"worker/crawl", "worker/queue"},
	"golang.org/x/time/rate":               {"worker/crawl"},
	"gonum.org/v1/gonum/":                  {"memprof/stats"},
	"github.com/google/pprof/profile":      {"memprof/devtools"},
	"github.com/prometheus/client_golang/": {"memprof/prom", "worker/web", "cmd/ebb"},
	"database/sql":                         {"worker/store"},
	"github.com/jackc/pgx/":                {"worker/store", "worker/store/storetest"},
	"modernc.org/sqlite":                   {"worker/store"},
	"github.com/riverqueue/river":          {"worker/queue", "worker/store"},
	"github.com/rs/zerolog":                {"worker", "cmd/ebb"},
	"github.com/spf13/":                    {"cmd/ebb"},
	"charm.land/lipgloss/":                 {"cmd/ebb", "cmd/ebb/output"},
	"golang.org/x/term":                    {"cmd/ebb/output"},
	"github.com/stretchr/testify/require":  {"browser/browsertest"},
	"go.uber.org/goleak":                   {"worker/store/storetest"},
}

// testPackages are those that only tests may import.
var testPackages = []string{"browser/browsertest", "worker/store/storetest"}

// sourceFile is what the head of a Go file says.
type sourceFile struct {
	path    string // from the repository's folder
	folder  string // the package, as the tables name it
	test    bool
	imports []string
	doc     *ast.CommentGroup
}

// sourceFiles reads the heads of all Go files of the repository.
func sourceFiles(t *testing.T) []sourceFile {
	t.Helper()
	var files []sourceFile
	for _, path := range repositoryFiles(t, ".go") {
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(repository, path), nil, parser.ImportsOnly|parser.ParseComments)
		require.NoError(t, err)
		file := sourceFile{path: path, folder: filepath.ToSlash(filepath.Dir(path)), test: strings.HasSuffix(path, "_test.go"), doc: parsed.Doc}
		for _, spec := range parsed.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			require.NoError(t, err)
			file.imports = append(file.imports, name)
		}
		files = append(files, file)
	}
	require.Greater(t, len(files), 150, "the repository's files are not where this test looks")
	return files
}

// repositoryFiles are the files with one of the endings; testdata and folders whose
// names begin with a dot are left out.
func repositoryFiles(t *testing.T, endings ...string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(repository, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && path != repository && (name == "testdata" || strings.HasPrefix(name, ".")) {
			return filepath.SkipDir
		}
		if !entry.IsDir() && slices.Contains(endings, filepath.Ext(name)) {
			rel, err := filepath.Rel(repository, path)
			if err != nil {
				return err
			}
			files = append(files, filepath.ToSlash(rel))
		}
		return nil
	})
	require.NoError(t, err)
	return files
}

func TestImportsKeepToTheTable(t *testing.T) {
	for _, file := range sourceFiles(t) {
		for _, name := range file.imports {
			if fault := importFault(file, name); fault != "" {
				t.Errorf("%s imports %s: %s", file.path, name, fault)
			}
		}
	}
}

// importFault says why a file may not import a package; "" if it may.
func importFault(file sourceFile, name string) string {
	if file.test {
		return ""
	}
	if ours, ok := strings.CutPrefix(name, modulePath+"/"); ok {
		allowed, known := ourImports[file.folder]
		switch {
		case !known:
			return "the package " + file.folder + " is not in the table"
		case slices.Contains(testPackages, ours):
			return "only tests may"
		case !slices.Contains(allowed, ours):
			return file.folder + " may import " + orNothing(allowed)
		}
		return ""
	}
	if standard := !strings.Contains(strings.Split(name, "/")[0], "."); standard && name != "database/sql" {
		return ""
	}
	best := ""
	for prefix := range theirImports {
		if strings.HasPrefix(name, prefix) && len(prefix) > len(best) {
			best = prefix
		}
	}
	if !slices.Contains(theirImports[best], file.folder) {
		return "only these may: " + orNothing(theirImports[best])
	}
	return ""
}

func orNothing(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// TestImportFaults holds the check itself to finding what it is there for.
func TestImportFaults(t *testing.T) {
	for _, c := range []struct{ folder, name, fault string }{
		{"browser", "fmt", ""},
		{"browser", "github.com/chromedp/cdproto/page", ""},
		{"memprof/devtools", "github.com/chromedp/chromedp", ""},
		{"worker/store", "github.com/riverqueue/river/riverdriver", ""},
		{"cmd/ebb", modulePath + "/worker", ""},
		{"sites", "github.com/chromedp/chromedp", "only these may: browser, memprof/devtools"},
		{"worker", "database/sql", "only these may: worker/store"},
		{"browser", "github.com/rs/zerolog", "only these may: worker, cmd/ebb"},
		{"browser", "example.com/new", "only these may: none"},
		{"browser", modulePath + "/sites", "browser may import none"},
		{"memprof/linux", modulePath + "/memprof/devtools", "memprof/linux may import memprof"},
		{"worker", modulePath + "/browser/browsertest", "only tests may"},
		{"browser/new", modulePath + "/browser", "the package browser/new is not in the table"},
	} {
		require.Equal(t, c.fault, importFault(sourceFile{folder: c.folder}, c.name), "%s imports %s", c.folder, c.name)
	}
}

// TestTablesHoldNothingElse: what no file imports any more is not to stay allowed.
func TestTablesHoldNothingElse(t *testing.T) {
	files := sourceFiles(t)
	imported := func(folder, prefix string) bool {
		return slices.ContainsFunc(files, func(file sourceFile) bool {
			return !file.test && file.folder == folder && slices.ContainsFunc(file.imports, func(name string) bool { return strings.HasPrefix(name, prefix) })
		})
	}
	for folder, allowed := range ourImports {
		for _, name := range allowed {
			require.True(t, imported(folder, modulePath+"/"+name), "%s need not be allowed to import %s", folder, name)
		}
	}
	for prefix, folders := range theirImports {
		for _, folder := range folders {
			require.True(t, imported(folder, prefix), "%s need not be allowed to import %s", folder, prefix)
		}
	}
}

// architectureRow is a row of the packages' table: `sites` | sentence | imports |.
var architectureRow = regexp.MustCompile("(?m)^\\| `([a-z/]+)` \\| ([^|]+) \\| ([^|]+) \\|$")

// TestArchitectureSaysWhatThePackagesSay: the table of docs/architecture.md has each
// package, the first sentence of its comment, and what it may import.
func TestArchitectureSaysWhatThePackagesSay(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, "docs/architecture.md"))
	require.NoError(t, err)
	sentences := map[string]string{}
	for _, file := range sourceFiles(t) {
		if file.doc != nil && !file.test {
			require.NotContains(t, sentences, file.folder, "%s: the package has a comment already", file.path)
			sentences[file.folder] = firstSentence(file.doc.Text())
		}
	}
	rows := map[string]string{}
	for _, row := range architectureRow.FindAllStringSubmatch(string(text), -1) {
		rows[row[1]] = row[2]
		allowed, known := ourImports[row[1]]
		require.True(t, known, "%s is no package", row[1])
		require.Equal(t, orNothing(allowed), strings.ReplaceAll(row[3], "`", ""), "what %s may import", row[1])
	}
	require.Equal(t, sentences, rows)
}

// firstSentence is the first sentence of a package's comment without "Package name",
// with a capital letter.
func firstSentence(comment string) string {
	text := strings.Join(strings.Fields(comment), " ")
	if end := strings.Index(text, ". "); end > 0 {
		text = text[:end+1]
	}
	words := strings.SplitN(text, " ", 3) // Package, its name, the rest
	if len(words) < 3 {
		return text
	}
	first := []rune(words[2])
	return string(unicode.ToUpper(first[0])) + string(first[1:])
}

// machinePaths are the folders in which Ebb was made. The names are put together here
// so that this file does not hold them.
var machinePaths = regexp.MustCompile(`(^|[^a-zA-Z0-9.])(/` + `work/|/tmp/` + `ebb/)`)

// TestNoFileNamesAMachinesFolders: neither code nor documents are about one machine.
func TestNoFileNamesAMachinesFolders(t *testing.T) {
	for _, path := range append(repositoryFiles(t, ".go", ".md", ".yaml", ".js", ".sql", ".json"), ".ci/run", ".ci/test", "Dockerfile", "go.mod") {
		text, err := os.ReadFile(filepath.Join(repository, path))
		require.NoError(t, err)
		for i, line := range strings.Split(string(text), "\n") {
			if found := machinePaths.FindString(line); found != "" {
				t.Errorf("%s:%d names %s", path, i+1, found)
			}
		}
	}
}
